/** The users and groups of the machine, as /etc/passwd and /etc/group have them (passwd(5), group(5)). */

export interface Account {
  readonly uid: number
  readonly gid: number
  /** These two are absent for a uid that is not in /etc/passwd. */
  readonly name?: string
  readonly home?: string
}

export interface Accounts {
  /** By name or number. A number may be a name, which comes first, as with chown(1). Undefined: there is none. */
  user(reference: string): Required<Account> | undefined
  /** The id of a group. A number is valid even without a name. Undefined: there is none. */
  group(reference: string): number | undefined
  /** Ids of the supplementary groups. */
  groupsOf(user: string): readonly number[]
}

/** `read` returns the text of a file; if it throws the file counts as empty. */
export function readAccounts(read: (path: string) => string): Accounts {
  const users = fieldsOf(read, '/etc/passwd').flatMap(([name = '', , user = '', group = '', , home = '']) => {
    const [uid, gid] = [numberOf(user), numberOf(group)]
    return uid === undefined || gid === undefined ? [] : [{ name, uid, gid, home }]
  })
  const groups = fieldsOf(read, '/etc/group').flatMap(([name = '', , group = '', members = '']) => {
    const id = numberOf(group)
    // ''.split(',') has one empty member.
    return id === undefined ? [] : [{ name, id, members: members.split(',').filter((member) => member !== '') }]
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

/** An id in decimal. -1 in 32 bits is none: for the kernel it means "do not change" (setresuid(2)). */
export function numberOf(reference: string): number | undefined {
  return /^\d{1,10}$/.test(reference) && Number(reference) < 0xffff_ffff ? Number(reference) : undefined
}

/** Of the lines with a name. An empty or missing id must not be read as 0, which is root's. */
function fieldsOf(read: (path: string) => string, path: string): string[][] {
  try {
    return read(path)
      .split('\n')
      .filter((line) => /^[^:#+-][^:]*:/.test(line)) // `+` and `-` refer to NIS (nsswitch.conf(5), compat)
      .map((line) => line.split(':'))
  } catch {
    return []
  }
}
