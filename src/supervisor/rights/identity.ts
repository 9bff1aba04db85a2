/** The user of a program: its ids on this machine, and the setpriv(1) options to become it. */
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
  /** HOME, USER and LOGNAME. */
  readonly variables: Readonly<Record<string, string>>
}

/**
 * Throws `RightsError` if there is no such user or group, and Node's error if the files cannot be read for lack of
 * resources. Read each time: users may be created while we run.
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
  // Not root's group, as some tools choose: an unknown user should not get what belongs to it.
  if (gid === undefined)
    throw new RightsError(`user: ${name} is not in /etc/passwd; name its group, too: "${name}:${name}"`)
  return { uid, gid }
}

/** Only a name gets the groups in which /etc/group lists it; a number stands for that id alone. */
function groupsByName(accounts: Accounts, name: string): readonly number[] {
  return numberOf(name) === undefined ? accounts.groupsOf(name) : []
}

function groupOf(accounts: Accounts, name: string, option: 'user' | 'groups'): number {
  const gid = accounts.group(name)
  if (gid !== undefined) return gid
  throw new RightsError(`${option}: there is no group ${name} in /etc/group; create it, or name another`)
}

/**
 * Options of setpriv(1), to be put before a command; none if we are that user. Node's own `uid` and `gid` options do
 * not suffice: libuv clears the supplementary groups, and limits could no longer be raised after them. Throws
 * `RightsError` if we may not change the user.
 */
export function userWords({ name, groups: requested }: UserPlan, { uid, gid, groups }: Identity): readonly string[] {
  const [ourUid, ourGid] = [process.geteuid?.(), process.getegid?.()]
  const isUs = uid === ourUid && gid === ourGid
  if (isUs && isSame(groups, [gid, ...(process.getgroups?.() ?? [])])) return []
  if (!isCapable('CAP_SETUID') || !isCapable('CAP_SETGID')) {
    // We are that user, with the groups that we were started with, and cannot drop them.
    if (isUs && !requested) return []
    const goal = uid === ourUid ? `the groups of ${name}` : `becoming ${name}`
    throw new RightsError(
      `user: ${goal} needs root, and Gatehouse runs as uid ${ourUid}; start it as root, or as ${name}`,
    )
  }
  // If we are not root, inheritable capabilities, and with them ambient ones, would survive the change of user.
  return ['--reuid', `${uid}`, '--regid', `${gid}`, '--groups', groups.join(','), '--inh-caps=-all']
}

function isSame(some: readonly number[], others: readonly number[]): boolean {
  return some.every((one) => others.includes(one)) && others.every((one) => some.includes(one))
}
