/**
 * The soft limit of open files. Gatehouse needs as many as it may have; a program gets as many as whoever started Gatehouse
 * gave: one that asks select(2) for descriptors above 1023, or closes all up to the limit, fails or takes long with more. See
 * docs/adr/0021-launching.md.
 */
import { isSea } from 'node:sea'
import type { LimitPlan, LimitsPlan } from '../../plan/model/rights.ts'
import { isAbove, mostOpenFiles, ownLimits } from './limits.ts'
import { toolPath } from './tools.ts'

/** systemd's, and the kernel's for its first process: what is given where nobody says anything. */
const usual = 1_024

const atStart = softAtStart(ownOpenFiles(), isSea())

/**
 * What it was when we were executed. The Node of the binary leaves it alone (scripts/build/open-files.ts); any other has raised it to the
 * hard one before our first line, and no one knows from what.
 */
export function softAtStart(own: LimitPlan | undefined, isBinary: boolean): LimitPlan['soft'] | undefined {
  if (own === undefined || isBinary || own.soft !== own.hard) return own?.soft
  return own.soft === 'unlimited' || own.soft > usual ? usual : own.soft
}

/** With that soft limit, for a program that names none. */
export function withOwnOpenFiles(limits: LimitsPlan = {}): LimitsPlan {
  const own = ownOpenFiles()
  if (limits.openFiles || !own || atStart === undefined || own.soft === atStart || !toolPath('prlimit')) return limits
  return { ...limits, openFiles: { soft: atStart, hard: own.hard } }
}

/**
 * Raises ours to the hard one. `run` runs a program to its end and says whether that went well. Returns why it stays as it is, if
 * that is too low.
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

/** With a hard limit that can be set again; some container runtimes start with one above `most`. */
export function settable({ soft, hard }: LimitPlan, most: number | undefined): LimitPlan {
  if (most === undefined || !isAbove(hard, most)) return { soft, hard }
  return { soft: isAbove(soft, most) ? most : soft, hard: most }
}
