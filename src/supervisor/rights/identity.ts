/** Another user for a program: who that is on this machine, and what makes it so. */
import { readFileSync } from 'node:fs'
import type { UserPlan } from '../../plan/model/rights.ts'
import { type Account, type Accounts, numberOf, readAccounts } from '../../shared/system/accounts.ts'
import { isLocalFault } from '../../shared/system/local-fault.ts'
import { isCapable } from './capabilities.ts'
import { RightsError } from './rights-error.ts'

export interface Identity {
  readonly uid: number
  readonly gid: number
  /** All of its groups, `gid` included. */
  readonly groups: readonly number[]
  /** What its environment says of it. */
  readonly variables: Readonly<Record<string, string>>
}

/**
 * Throws `RightsError` if there is no such user or group, and Node's error if that cannot be known for the moment. Read anew each time:
 * users may be made while we run.
 */
export function identityOf({ name, group, groups }: UserPlan): Identity {
  let shortage: unknown
  const accounts = readAccounts((path) => {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      if (isLocalFault(error)) shortage = error
      throw error
    }
  })
  if (shortage !== undefined) throw shortage
  const account = accountOf(accounts, name, group)
  const further = groups?.map((one) => groupOf(accounts, one, 'groups')) ?? groupsByName(accounts, name)
  const { home = '/', name: user } = account
  return {
    uid: account.uid,
    gid: account.gid,
    groups: [...new Set([account.gid, ...further])],
    variables: { HOME: home, ...(user !== undefined && { USER: user, LOGNAME: user }) },
  }
}

function accountOf(accounts: Accounts, name: string, group: string | undefined): Account {
  const gid = group === undefined ? undefined : groupOf(accounts, group, 'user')
  const known = accounts.user(name)
  if (known) return { ...known, gid: gid ?? known.gid }
  const uid = numberOf(name)
  if (uid === undefined)
    throw new RightsError(`user: there is no user ${name} in /etc/passwd; create it, or name another`)
  // Not root's group, as some have it: what belongs to that is not for a user of whom nothing is known.
  if (gid === undefined)
    throw new RightsError(`user: ${name} is not in /etc/passwd; name its group, too: "${name}:${name}"`)
  return { uid, gid }
}

/** Whoever says a number means that one and no more: only a name has the groups in which /etc/group lists it. */
function groupsByName(accounts: Accounts, name: string): readonly number[] {
  return numberOf(name) === undefined ? accounts.groupsOf(name) : []
}

function groupOf(accounts: Accounts, name: string, option: 'user' | 'groups'): number {
  const gid = accounts.group(name)
  if (gid !== undefined) return gid
  throw new RightsError(`${option}: there is no group ${name} in /etc/group; create it, or name another`)
}

/**
 * Words of setpriv(1), to stand before a command; none if we are that user. Node's own `uid` and `gid` would not do: libuv
 * clears the supplementary groups, and the limits of the kernel could not be raised any more by then.
 * Throws `RightsError` if we may not become another.
 */
export function userWords({ name, groups: asked }: UserPlan, { uid, gid, groups }: Identity): readonly string[] {
  const [ourUid, ourGid] = [process.geteuid?.(), process.getegid?.()]
  const isUs = uid === ourUid && gid === ourGid
  if (isUs && isSame(groups, [gid, ...(process.getgroups?.() ?? [])])) return []
  if (!isCapable('CAP_SETUID') || !isCapable('CAP_SETGID')) {
    // Who is that user already has the groups of whoever started us, and cannot part with them.
    if (isUs && !asked) return []
    const wish = uid === ourUid ? `the groups of ${name}` : `becoming ${name}`
    throw new RightsError(
      `user: ${wish} needs root, and Gatehouse runs as uid ${ourUid}; start it as root, or as ${name}`,
    )
  }
  // Inheritable capabilities, and with them ambient ones, would outlive the change of user if we are not root ourselves.
  return ['--reuid', `${uid}`, '--regid', `${gid}`, '--groups', groups.join(','), '--inh-caps=-all']
}

function isSame(some: readonly number[], others: readonly number[]): boolean {
  return some.every((one) => others.includes(one)) && others.every((one) => some.includes(one))
}
