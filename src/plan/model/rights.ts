/** The user, privileges and kernel limits of a process. */
import type { ProcessConfig } from '../../config/schema/process/process.ts'

/** What is absent is inherited from Gatehouse. */
export interface RightsPlan {
  readonly user?: UserPlan
  /** Mode bits removed from files it creates; only those of group and others. */
  readonly umask?: number
  /** Absolute, from -20 to 19; the kernel serves lower ones first. */
  readonly nice?: number
  readonly limits?: LimitsPlan
  /** No program that it executes gives it more rights than it has (prctl(2), PR_SET_NO_NEW_PRIVS). */
  readonly noNewPrivileges?: true
}

/** Names or numbers as in the file: they are looked up at each spawn, on the machine where the process runs. */
export interface UserPlan {
  readonly name: string
  /** Absent: the user's own. */
  readonly group?: string
  /** Supplementary groups. Absent: those in /etc/group for a name, none for a number. */
  readonly groups?: readonly string[]
}

export type LimitsPlan = Readonly<Partial<Record<LimitName, LimitPlan>>>

export type LimitName = keyof NonNullable<ProcessConfig['limits']>

/** In bytes, in seconds, or a count: as setrlimit(2) has it. */
export interface LimitPlan {
  readonly soft: number | 'unlimited'
  readonly hard: number | 'unlimited'
}

/** Undefined: those of Gatehouse. */
export function resolveRights(process: ProcessConfig): RightsPlan | undefined {
  const { user, groups, umask, nice, limits, noNewPrivileges = user !== undefined } = process
  const rights: RightsPlan = {
    ...(user && { user: { ...user, ...(groups && { groups }) } }),
    ...(umask !== undefined && { umask }),
    ...(nice !== undefined && { nice }),
    ...(limits && { limits }),
    ...(noNewPrivileges && { noNewPrivileges }),
  }
  return Object.keys(rights).length > 0 ? rights : undefined
}

/** Without what login(1) would set: those of another user would be wrong. The right ones are set at spawn. */
export function withoutAccount(environment: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { HOME: _home, USER: _user, LOGNAME: _logname, ...rest } = environment
  return rest
}
