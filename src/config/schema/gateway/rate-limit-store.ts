/** A shared store for rate limits; without one, each replica counts for itself. */
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
        'uses Redis Sentinel, which is not supported',
        'name the primary, or a host name that resolves to it',
      )
    if (!url || !/^redis(s|-cluster)?:$/.test(url.protocol) || url.hostname === '') return undefined
    if (url.search !== '' || url.hash !== '')
      return new InvalidValue('has more after the database', 'remove everything from the `?` or `#`')
    return addressIn(url)
  },
})

function addressIn(url: URL): RedisAddress | InvalidValue {
  const [, database] = /^\/?(\d{0,5})$/.exec(url.pathname) ?? []
  if (database === undefined)
    return new InvalidValue('has a path that is not a number', 'the database is a number, as in `/0`')
  try {
    const user = decodeURIComponent(url.username)
    const password = decodeURIComponent(url.password)
    // Redis has no user without a password: a lone part before the `@` is the password, as for other clients.
    const credentials = password === '' ? { password: user } : user === '' ? { password } : { user, password }
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port === '' ? 6_379 : Number(url.port),
      tls: url.protocol === 'rediss:',
      ...(url.username + url.password !== '' && credentials),
      database: Number(database),
    }
  } catch {
    return new InvalidValue('has a `%` that does not begin an escape', 'write `%25` for a literal `%`')
  }
}

export const rateLimitStore = mapping({
  redis: redisUrl.describe(
    'Redis server that counts for all replicas; while it is unreachable, each counts for itself',
  ),
  ca: text('the path of a PEM file')
    .describe('CAs to trust for a `rediss://` server; default: those of the system')
    .optional(),
}).superRefine(({ redis, ca }, context) => {
  if (ca !== undefined && !redis.tls)
    context.addIssue(
      customIssue('contradiction', '`ca` has no effect on a Redis without TLS', 'use `rediss://`, or remove it', [
        'ca',
      ]),
    )
})
