/**
 * How a program is started with the rights that its plan asks for: by small programs that stand before it, each of which
 * changes one thing and becomes the next. So the pid that is spawned is the program's own.
 */
import { getPriority } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Program } from '../program.ts'
import { foreseenFailure, isAllowed, type SpawnFailure } from '../spawn-failure.ts'
import { isCapable } from './capabilities.ts'
import { type Identity, identityOf, userWords } from './identity.ts'
import { limitWords } from './limits.ts'
import { Unfit } from './unfit.ts'

export interface Launch {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Absent: ours. */
  readonly umask?: number
}

export function launchOf(program: Program): Launch | { readonly failure: SpawnFailure } {
  const { command, environment, rights } = program
  if (!rights) return { command, environment }
  try {
    const identity = rights.user && identityOf(rights.user)
    const before = wordsBefore(rights, identity)
    // A tool that cannot find the program says so in its own words, and to the program's output.
    const failure = before.length > 0 ? foreseenFailure(program) : undefined
    if (failure) return { failure }
    return {
      command: [...before, ...command],
      environment: { ...identity?.variables, ...environment },
      ...(rights.umask !== undefined && { umask: rights.umask }),
    }
  } catch (error) {
    if (!(error instanceof Unfit)) throw error
    return { failure: { reason: error.message, exitCode: 126, transient: false } }
  }
}

/** The user comes last: it may neither raise a limit nor lower its niceness. */
function wordsBefore(rights: NonNullable<Program['rights']>, identity: Identity | undefined): readonly string[] {
  const { user, nice, limits } = rights
  const [nicer, limited, other] = [
    nice === undefined ? [] : niceWords(nice),
    limits ? limitWords(limits) : [],
    user && identity ? userWords(user, identity) : [],
  ]
  return [
    ...tool('nice', nicer, { option: 'nice', package: 'coreutils' }),
    ...tool('prlimit', limited, { option: 'limits', package: 'util-linux' }),
    ...tool('setpriv', other, { option: 'user', package: 'util-linux' }),
  ]
}

/** nice(1) adds to what it has from us; a lower one than ours is a privilege. */
function niceWords(nice: number): readonly string[] {
  const step = nice - getPriority()
  if (step === 0) return []
  if (step < 0 && !isCapable('CAP_SYS_NICE'))
    throw new Unfit(
      `nice: ${nice} is below ${getPriority()}, that of Gatehouse itself: ` +
        'give the container the capability (--cap-add SYS_NICE), or ask for more',
    )
  return ['-n', `${step}`]
}

function tool(name: string, words: readonly string[], needed: { readonly option: string; readonly package: string }) {
  if (words.length === 0) return []
  const folders = (process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin').split(delimiter)
  const path = folders.map((folder) => join(folder, name)).find(isAllowed)
  if (path === undefined)
    throw new Unfit(`${name}: not found: install ${needed.package}, which \`${needed.option}\` needs`)
  return [path, ...words, '--']
}
