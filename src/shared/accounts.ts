/** The users and groups of the machine, as /etc/passwd and /etc/group have them (passwd(5), group(5)). */

export interface Account {
  readonly uid: number
  readonly gid: number
  /** These two are unknown of a number that no line of /etc/passwd has. */
  readonly name?: string
  readonly home?: string
}

export interface Accounts {
  /** By name or number. A name that looks like a number is a name first, as chown(1) has it. Undefined: there is none. */
  user(reference: string): Required<Account> | undefined
  /** The id of a group. A number is a group whether it has a name or not. Undefined: there is none. */
  group(reference: string): number | undefined
  /** Ids of the groups of which it is a member beside its own. */
  groupsOf(user: string): readonly number[]
}

/** `read` gives the text of a file; what it cannot read counts as empty. */
export function readAccounts(read: (path: string) => string): Accounts {
  const users = fieldsOf(read, '/etc/passwd').map(([name = '', , uid, gid, , home = '']) => {
    return { name, uid: Number(uid), gid: Number(gid), home }
  })
  const groups = fieldsOf(read, '/etc/group').map(([name = '', , id, members = '']) => {
    return { name, id: Number(id), members: members.split(',') }
  })
  return {
    user(reference) {
      const number = numberOf(reference)
      return users.find(({ name }) => name === reference) ?? users.find(({ uid }) => uid === number)
    },
    group: (reference) => groups.find(({ name }) => name === reference)?.id ?? numberOf(reference),
    groupsOf: (user) => groups.filter(({ members }) => members.includes(user)).map(({ id }) => id),
  }
}

export function numberOf(reference: string): number | undefined {
  return /^\d+$/.test(reference) ? Number(reference) : undefined
}

function fieldsOf(read: (path: string) => string, path: string): string[][] {
  try {
    return read(path)
      .split('\n')
      .filter((line) => line.includes(':') && !line.startsWith('#'))
      .map((line) => line.split(':'))
  } catch {
    return []
  }
}
