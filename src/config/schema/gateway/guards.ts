/** Guards of the whole gateway and of one route. */
import * as z from 'zod'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { byteSize, headerName, integer, positiveDuration, scalar, text } from '../scalars.ts'
import { listOf, mapping, oneOrMany } from '../structures.ts'
import { addressRanges } from './ranges.ts'
import { rateLimitStore } from './rate-limit-store.ts'

const requestBody = byteSize.describe('Maximum size of a request body; a larger one gets a 413')

export const limitsSchema = mapping({
  requestBody: requestBody.prefault('150MB'),
  requestHeaders: byteSize.describe('Maximum size of a request head; a larger one gets a 431').prefault('16KB'),
  answerHeaders: byteSize
    .describe('Maximum size of a response head from an upstream or auth service; a larger one becomes a 502')
    .prefault('64KB'),
  headerTimeout: positiveDuration.describe('Time limit for a request head to arrive').prefault('10s'),
  idleTimeout: positiveDuration
    .describe('How long an idle connection stays open; keep it above that of a load balancer in front')
    .prefault('75s'),
  stallTimeout: positiveDuration
    .describe('How long a body may stall; event streams and WebSockets have no limit')
    .prefault('60s'),
  connections: integer('a number of connections from 1 to 1000000', 1, 1_000_000)
    .describe('Maximum open connections over all listeners; further ones are refused')
    .prefault('10000'),
  connectionsPerTarget: integer('a number of connections from 1 to 1000000', 1, 1_000_000)
    .describe(
      'Maximum connections to one upstream target, not counting event streams and WebSockets; further requests wait as long as for a new connection, then get a 503',
    )
    .prefault('1000'),
}).prefault({})

const off = scalar({
  expected: '`false`, or a mapping with `requests`',
  read(written) {
    if (written === 'false') return false as const
    const [, requests, unit = ''] = /^(\d+)\s*(?:r|req|requests)?\s*\/\s*([smhd])[a-z]*$/i.exec(written) ?? []
    if (requests === undefined) return undefined
    return new InvalidValue(
      'is a rate written as text',
      `write \`rateLimit: { requests: ${requests}, window: 1${unit.toLowerCase()} }\``,
    )
  },
  json: { type: undefined, const: false },
})

const client = scalar({
  expected: '`client`, or a mapping with `header` or `cookie`',
  read: (written) => (written === 'client' ? ('client' as const) : undefined),
  json: { enum: ['client'] },
})

/** RFC 6265 §4.1.1: a token, as the names of headers are. */
const cookieName = scalar({
  expected: 'the name of a cookie',
  read: (written) => (headerName.safeParse(written).success ? written : undefined),
})

const rateLimit = z.union([
  off,
  mapping({
    requests: integer('a number of requests from 1 to 1000000', 1, 1_000_000),
    window: positiveDuration.describe('Time window; begins with the first request').prefault('1s'),
    by: z
      .union([
        client,
        mapping({ header: headerName.optional(), cookie: cookieName.optional() }).superRefine(
          ({ header, cookie }, context) => {
            if ((header === undefined) === (cookie === undefined))
              context.addIssue(
                customIssue(
                  'choose-one',
                  '`by` needs exactly one of `header` and `cookie`',
                  'for example `by: { header: X-Api-Key }`',
                ),
              )
          },
        ),
      ])
      .describe('What to count by: the client address, or the value of a header or cookie')
      .prefault('client'),
  }),
])

const ranges = listOf(addressRanges, 'a list of addresses')

const addressRules = {
  allow: ranges.describe('Only these clients are allowed; others get a 403').optional(),
  deny: ranges.describe('These clients get a 403, even if `allow` includes them').optional(),
}

/** Keys of the gateway, in addition to `limits`. */
export const gatewayGuards = {
  ...addressRules,
  rateLimit: rateLimit.describe('Requests above the limit get a 429; `false`: no limit').optional(),
  rateLimitStore: rateLimitStore
    .describe('Counts for all replicas together; default: each replica counts for itself')
    .optional(),
}

const authUrl = scalar({
  expected: 'a URL such as `http://127.0.0.1:9091/verify`',
  read(written) {
    const url = URL.parse(written)
    if (!url || !/^https?:$/.test(url.protocol) || url.hash) return undefined
    if (url.username || url.password)
      return new InvalidValue('contains a user or password', 'remove them: the service gets the headers of the request')
    return url.href
  },
})

export const auth = mapping({
  basic: oneOrMany(text('the name of a user such as `admin`'), 'a list of users')
    .describe('Users who may pass; their Authorization header is not forwarded')
    .optional(),
  forward: authUrl
    .describe('URL of an auth service: 2xx lets the request pass, any other response goes to the client')
    .optional(),
  copy: listOf(headerName, 'a list of headers')
    .describe("Headers copied from the service's response to the request, replacing the client's")
    .optional(),
  timeout: positiveDuration.describe('Time limit for the auth service; default: 5s').optional(),
}).superRefine(({ basic, forward, copy, timeout }, context) => {
  if ((basic === undefined) === (forward === undefined))
    context.addIssue(
      customIssue(
        'choose-one',
        '`auth` needs exactly one of `basic` and `forward`',
        'for example `auth: { basic: NAME }`',
      ),
    )
  else if (forward === undefined && (copy !== undefined || timeout !== undefined))
    context.addIssue(
      customIssue(
        'contradiction',
        '`copy` and `timeout` have no effect with `basic`',
        'remove them: only `forward` uses them',
      ),
    )
})

/** Keys of a route; each overrides the gateway's, whose address rules apply as well. */
export const routeGuards = {
  ...addressRules,
  auth: auth.optional(),
  limits: mapping({ requestBody: requestBody.optional() }).describe("Overrides the gateway's").optional(),
  rateLimit: rateLimit
    .describe("Replaces the gateway's limit; `false`: no limit, and requests do not count there")
    .optional(),
}
