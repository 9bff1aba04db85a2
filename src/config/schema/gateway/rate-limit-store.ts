/** Where requests are counted for rate limits, if not in each replica alone. */
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { scalar, text } from '../scalars.ts'
import { mapping } from '../structures.ts'

export interface RedisAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly user?: string
  /** A secret. */
  readonly password?: string
  /** Number of the database. */
  readonly database: number
}

const expected = 'a URL such as `redis://user:password@host:6379/0`; `rediss://` for TLS'

const redisUrl = scalar({
  expected,
  secret: true, // there may be a password in it
  json: { type: 'string', pattern: '^redis(s|-cluster)?://|\\$\\{' },
  read(written) {
    const url = URL.parse(written)
    if (/^redis-sentinel:/i.test(written))
      return new InvalidValue(
        'names sentinels, which Gatehouse does not ask',
        'name the primary, or a name that leads to it',
      )
    if (!url || !/^redis(s|-cluster)?:$/.test(url.protocol) || url.hostname === '') return undefined
    if (url.search !== '' || url.hash !== '')
      return new InvalidValue('has more behind the database', 'leave out all from `?` or `#` on')
    return addressIn(url)
  },
})

function addressIn(url: URL): RedisAddress | InvalidValue {
  const [, database] = /^\/?(\d{0,5})$/.exec(url.pathname) ?? []
  if (database === undefined)
    return new InvalidValue('has a path that is no number', 'the database is a number, as in `/0`')
  try {
    const user = decodeURIComponent(url.username)
    const password = decodeURIComponent(url.password)
    // Redis knows no user without a password: what stands alone before the `@` is the password, as other clients take it.
    const credentials = password === '' ? { password: user } : user === '' ? { password } : { user, password }
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 6_379 : Number(url.port),
      tls: url.protocol === 'rediss:',
      ...(url.username + url.password !== '' && credentials),
      database: Number(database),
    }
  } catch {
    return new InvalidValue('has a `%` that begins no escape', 'write `%25` for the character itself')
  }
}

export const rateLimitStore = mapping({
  redis: redisUrl.describe('Counts for all replicas that name it; while it is away each counts for itself'),
  ca: text('the path of a PEM file')
    .describe('Who may have signed the certificate of a `rediss://` server; default: the authorities of the system')
    .optional(),
}).superRefine(({ redis, ca }, context) => {
  if (ca !== undefined && !redis.tls)
    context.addIssue(
      customIssue('contradiction', '`ca` stands beside a Redis without TLS', 'write `rediss://`, or remove it', ['ca']),
    )
})
