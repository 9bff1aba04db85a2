/** The user, privileges and kernel limits of a process. */
import * as z from 'zod'
import { parseBytes } from '../../../shared/bytes.ts'
import { readDuration } from '../duration.ts'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { boolean, formOrVariable, scalar } from '../scalars.ts'
import { listOf, mapping } from '../structures.ts'

/** A name that useradd(8) allows, or a number; the kernel's -1 means "unchanged" and is no account. */
const accountForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,255}\$?$/
const maxId = 4_294_967_294

export interface UserReference {
  /** Name or number. */
  readonly name: string
  /** Name or number; absent: the user's own. */
  readonly group?: string
}

const user = scalar<UserReference>({
  expected: 'a user such as `app`, `1000`, `app:web` or `1000:1000`',
  read(written) {
    const [name = '', group, ...rest] = written.split(':')
    if (rest.length > 0 || !isAccount(name) || (group !== undefined && !isAccount(group))) return undefined
    return { name, ...(group !== undefined && { group }) }
  },
  json: { type: ['string', 'integer'] },
})

const group = scalar({
  expected: 'a group such as `web` or `1000`',
  read: (written) => (isAccount(written) ? written : undefined),
  json: { type: ['string', 'integer'] },
})

function isAccount(text: string): boolean {
  return accountForm.test(text) && !(/^\d+$/.test(text) && Number(text) > maxId)
}

const umask = scalar({
  expected: 'a mask in octal such as `"0027"`',
  read(written) {
    const digits = /^(?:0o?)?([0-7]{1,3})$/.exec(written)?.[1]
    if (digits === undefined) return undefined
    const mask = Number.parseInt(digits, 8)
    // See spawn.ts: while a program is spawned, the mask applies to Gatehouse as well.
    if (mask > 0o077)
      return new InvalidValue(
        'removes permissions from the owner',
        'remove only those of group and others: at most `"0077"`',
      )
    return mask
  },
  json: { type: ['string', 'integer'] },
})

const nice = scalar({
  expected: 'a number from -20 to 19',
  read(written) {
    const value = /^-?\d{1,2}$/.test(written) ? Number(written) : Number.NaN
    return value >= -20 && value <= 19 ? value : undefined
  },
  json: formOrVariable({ type: 'integer', minimum: -20, maximum: 19 }, { type: 'string', pattern: '^-?\\d+$' }),
})

type Amount = number | 'unlimited'

const count = amount({
  expected: 'a number such as `4096`, or `unlimited`',
  form: '\\d+',
  read: (written) => (/^\d{1,15}$/.test(written) ? Number(written) : undefined),
})

const size = amount({
  expected: 'a size such as `512KB` or `2GiB`, `0`, or `unlimited`',
  form: '(0|\\d+(\\.\\d+)?(B|KB|MB|GB|KiB|MiB|GiB))',
  read(written) {
    if (/^[1-9]\d*$/.test(written))
      return new InvalidValue('has no unit', 'a size needs one, as in `512B`, `16KB` or `150MB`')
    return written === '0' ? 0 : parseBytes(written)
  },
})

/** The kernel counts it in whole seconds. */
const time = amount({
  expected: 'a time such as `90s` or `1h`, or `unlimited`',
  form: '\\d+(\\.\\d+)?(ms|s|m|h|d|y)',
  read(written) {
    const duration = readDuration(written)
    if (typeof duration !== 'number' || duration === 0) return duration || undefined
    return duration % 1000 === 0
      ? duration / 1000
      : new InvalidValue('is not a whole number of seconds', 'write `1s` or more')
  },
})

function amount(kind: { expected: string; form: string; read(written: string): number | InvalidValue | undefined }) {
  const one = scalar<Amount>({
    expected: kind.expected,
    read: (written) => (written === 'unlimited' ? written : kind.read(written)),
    json: formOrVariable(
      { type: 'integer', minimum: 0 },
      { const: 'unlimited' },
      { type: 'string', pattern: `^${kind.form}$` },
    ),
  })
  const both = mapping({ soft: one, hard: one }).superRefine(({ soft, hard }, context) => {
    if (hard === 'unlimited' || (soft !== 'unlimited' && soft <= hard)) return
    const hint = 'the soft limit applies; the program may raise it up to the hard limit'
    context.addIssue(customIssue('contradiction', '`soft` is above `hard`', hint, ['soft']))
  })
  return z.union([one.transform((value) => ({ soft: value, hard: value })), both]).optional()
}

/** The limits of getrlimit(2) that Linux enforces. */
const limits = mapping({
  openFiles: count.describe('Open files and connections (RLIMIT_NOFILE)'),
  processes: count.describe('Processes and threads of the user, wherever they run (RLIMIT_NPROC)'),
  coreSize: size.describe('Core files (RLIMIT_CORE); 0: none are written'),
  fileSize: size.describe('Size of files that it writes (RLIMIT_FSIZE)'),
  dataSize: size.describe('Heap and other private memory (RLIMIT_DATA)'),
  stackSize: size.describe('Stack (RLIMIT_STACK)'),
  addressSpace: size.describe('Address space, much of which may never be used (RLIMIT_AS)'),
  lockedMemory: size.describe('Memory locked into RAM (RLIMIT_MEMLOCK)'),
  cpuTime: time.describe('CPU time, after which it is killed (RLIMIT_CPU)'),
  pendingSignals: count.describe('Signals waiting for the user (RLIMIT_SIGPENDING)'),
  messageQueues: size.describe('POSIX message queues of the user (RLIMIT_MSGQUEUE)'),
  realtimePriority: count.describe('Highest real-time priority (RLIMIT_RTPRIO)'),
})

/** Keys of a process. */
export const rightsShape = {
  user: user.describe('User it runs as: a name, a number, or `user:group`; default: that of Gatehouse').optional(),
  groups: listOf(group, 'a list of groups: `[web, logs]`')
    .describe('Supplementary groups; default: those in /etc/group for a name, none for a number')
    .optional(),
  noNewPrivileges: boolean
    .describe('Keeps sudo, ping and other setuid programs from giving it privileges; default: true with a `user`')
    .optional(),
  umask: umask.describe('Permissions removed from files it creates; default: that of Gatehouse').optional(),
  nice: nice.describe('CPU priority, from -20 (highest) to 19 (lowest)').optional(),
  limits: limits.describe('Kernel limits (setrlimit(2)): one value for soft and hard, or each').optional(),
}
