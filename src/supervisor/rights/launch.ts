/**
 * Starts a program with the rights of its plan: through a chain of small tools, each of which changes one thing and
 * executes the next. So the spawned pid is that of the program. Tools that run with our rights before a change of user
 * do not see the program's environment. See docs/adr/0021-launching.md.
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
    // Checked beforehand: a tool that cannot find the program would report that in its own words, to the program's
    // output.
    const failure = launch.command.length > command.length ? foreseenFailure(program) : undefined
    return failure ? { failure } : { ...launch, ...(rights.umask !== undefined && { umask: rights.umask }) }
  } catch (error) {
    if (!(error instanceof RightsError)) throw error
    return { failure: { reason: error.message, exitCode: 126, transient: false } }
  }
}

/** The change of user comes last: after it, limits cannot be raised nor the niceness lowered. */
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
 * Tools with the same rights as the program may see its environment, which usually saves an exec. But libraries meant
 * for the program alone, such as its own C library, would break them.
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

/** So that a program whose name begins with `-` is not taken for an option. */
function ended(words: readonly string[]): readonly string[] {
  return words.length === 0 ? [] : [...words, '--']
}

/** env(1) would take a program with `=` in its name for a variable; nice(1) does not. */
function notAnAssignment(command: readonly string[]): readonly string[] {
  if (!command[0]?.includes('=')) return command
  return [...tool('nice', ['-n', '0', '--'], 'user'), ...command]
}

/** nice(1) adds to our own niceness; a lower one takes a privilege. */
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

/** Whether we, and so all that we start, already run with no_new_privs (prctl(2)). */
function isLocked(): boolean {
  try {
    return /^NoNewPrivs:\s*1$/m.test(readFileSync('/proc/self/status', 'latin1'))
  } catch {
    return false
  }
}
