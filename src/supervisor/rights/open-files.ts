/**
 * The soft limit of open files. Gatehouse raises its own to the hard limit; a program gets the one that Gatehouse was
 * started with: a program that uses select(2), or closes all descriptors up to the limit, fails or takes long with more
 * than 1024. See docs/adr/0021-launching.md.
 */
import { isSea } from 'node:sea'
import type { LimitPlan, LimitsPlan } from '../../plan/model/rights.ts'
import { isAbove, mostOpenFiles, ownLimits } from './limits.ts'
import { toolPath } from './tools.ts'

/** The default of systemd, and of the kernel for its first process. */
const usual = 1_024

const atStart = softAtStart(ownOpenFiles(), isSea())

/**
 * The soft limit when we were executed. The Node in the binary leaves it alone (scripts/build/open-files.ts); any other
 * Node has raised it to the hard limit before our first line, so the default is assumed.
 */
export function softAtStart(own: LimitPlan | undefined, isBinary: boolean): LimitPlan['soft'] | undefined {
  if (own === undefined || isBinary || own.soft !== own.hard) return own?.soft
  return own.soft === 'unlimited' || own.soft > usual ? usual : own.soft
}

/** Adds that soft limit for a program that sets none. */
export function withOwnOpenFiles(limits: LimitsPlan = {}): LimitsPlan {
  const own = ownOpenFiles()
  if (limits.openFiles || !own || atStart === undefined || own.soft === atStart || !toolPath('prlimit')) return limits
  return { ...limits, openFiles: { soft: atStart, hard: own.hard } }
}

/**
 * Raises our soft limit to the hard one. `run` runs a program to its end and returns whether it exited with 0. Returns
 * a warning if the limit could not be raised.
 */
export function raiseOpenFiles(run: (file: string, words: readonly string[]) => boolean): string | undefined {
  const own = ownOpenFiles()
  if (!own || !isAbove(own.hard, own.soft)) return undefined
  const prlimit = toolPath('prlimit')
  if (prlimit && run(prlimit, ['--pid', `${process.pid}`, `--nofile=${own.hard}:${own.hard}`])) return undefined
  const tool = prlimit ? 'prlimit failed' : 'prlimit is missing'
  return (
    `only ${own.soft} files and connections can be open at a time, though ${own.hard} are allowed: ${tool}; ` +
    `${prlimit ? '' : 'install util-linux, or '}raise the soft limit (\`ulimit -n\`, \`docker run --ulimit nofile=${own.hard}\`)`
  )
}

function ownOpenFiles(): LimitPlan | undefined {
  const own = ownLimits().get('openFiles')
  return own && settable(own, mostOpenFiles())
}

/** Lowers a hard limit above `most`, which could not be set again; some container runtimes start with one. */
export function settable({ soft, hard }: LimitPlan, most: number | undefined): LimitPlan {
  if (most === undefined || !isAbove(hard, most)) return { soft, hard }
  return { soft: isAbove(soft, most) ? most : soft, hard: most }
}
