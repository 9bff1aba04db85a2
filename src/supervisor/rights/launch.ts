/**
 * How a program is started with the rights that its plan asks for: by small programs that stand before it, each of which
 * changes one thing and becomes the next. So the pid that is spawned is the program's own. Those that run with our rights, where the
 * program is to have another user's, see nothing of its environment. See docs/adr/0021-launching.md.
 */
import { readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import type { Program } from '../spawn/program.ts'
import { foreseenFailure, type SpawnFailure } from '../spawn/spawn-failure.ts'
import { isCapable } from './capabilities.ts'
import { type Handover, handover } from './handover.ts'
import { identityOf, userWords } from './identity.ts'
import { limitWords } from './limits.ts'
import { withOwnOpenFiles } from './open-files.ts'
import { RightsError } from './rights-error.ts'
import { tool } from './tools.ts'

export interface Launch {
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Absent: ours. */
  readonly umask?: number
}

type Rights = NonNullable<Program['rights']>

export function launchOf(program: Program): Launch | { readonly failure: SpawnFailure } {
  const { command, rights = {} } = program
  try {
    const launch = withRights(program, rights)
    // A tool that cannot find the program says so in its own words, and to the program's output.
    const failure = launch.command.length > command.length ? foreseenFailure(program) : undefined
    return failure ? { failure } : { ...launch, ...(rights.umask !== undefined && { umask: rights.umask }) }
  } catch (error) {
    if (!(error instanceof RightsError)) throw error
    return { failure: { reason: error.message, exitCode: 126, transient: false } }
  }
}

/** The user comes last: it may neither raise a limit nor lower its niceness. */
function withRights({ command, environment }: Program, rights: Rights): Launch {
  const { user, nice, limits } = rights
  const identity = user && identityOf(user)
  const other = user && identity ? userWords(user, identity) : []
  const locked = rights.noNewPrivileges && !isLocked() ? ['--no-new-privs'] : []
  const option = other.length > 0 ? 'user' : 'noNewPrivileges'
  const before = [
    ...tool('nice', ended(niceWords(nice)), 'nice'),
    ...tool('prlimit', ended(limitWords(withOwnOpenFiles(limits))), 'limits'),
    ...tool('setpriv', ended([...other, ...locked]), option),
  ]
  const own = identity ? { ...identity.variables, ...environment } : environment
  const handed = other.length > 0 ? handover(own) : before.length > 0 ? sparedFromLoader(own) : undefined
  if (!handed) return { command: [...before, ...command], environment: own }
  return { command: [...before, ...handed.words, ...notAnAssignment(command)], environment: handed.environment }
}

/**
 * Tools without other rights than the program may see its environment, and mostly do, which is an exec less. But libraries that
 * are there for it alone, such as a C library of its own, would break them.
 */
function sparedFromLoader(environment: Launch['environment']): Handover | undefined {
  if (!isReadByLoader(environment)) return undefined
  try {
    return handover(environment)
  } catch (error) {
    if (error instanceof RightsError) return undefined
    throw error
  }
}

function isReadByLoader(environment: Launch['environment']): boolean {
  for (const name in environment) if (/^(LD_|GLIBC_|GCONV_|MALLOC_)/.test(name)) return true
  return false
}

/** So that a program whose name begins with `-` is none of its options. */
function ended(words: readonly string[]): readonly string[] {
  return words.length === 0 ? [] : [...words, '--']
}

/** env(1) would take a program with `=` in its name for one more variable; nice(1) takes it for what it is. */
function notAnAssignment(command: readonly string[]): readonly string[] {
  if (!command[0]?.includes('=')) return command
  return [...tool('nice', ['-n', '0', '--'], 'user'), ...command]
}

/** nice(1) adds to what it has from us; a lower one than ours is a privilege. */
function niceWords(nice: number | undefined): readonly string[] {
  const step = nice === undefined ? 0 : nice - getPriority()
  if (step === 0) return []
  if (step < 0 && !isCapable('CAP_SYS_NICE'))
    throw new RightsError(
      `nice: ${nice} is below ${getPriority()}, that of Gatehouse itself; ` +
        'give the container the capability (--cap-add SYS_NICE), or raise it',
    )
  return ['-n', `${step}`]
}

/** Whether we ourselves can gain no privilege by a program any more, and so neither can what we start (prctl(2)). */
function isLocked(): boolean {
  try {
    return /^NoNewPrivs:\s*1$/m.test(readFileSync('/proc/self/status', 'latin1'))
  } catch {
    return false
  }
}
