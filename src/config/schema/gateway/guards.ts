/** What may stand in a request's way: of the whole gateway, and of one route. */
import { z } from 'zod'
import { customIssue, InvalidValue } from '../invalid-value.ts'
import { byteSize, headerName, integer, positiveDuration, scalar, text } from '../scalars.ts'
import { listOf, mapping, oneOrMany } from '../structures.ts'
import { addressRanges } from './ranges.ts'
import { rateLimitStore } from './rate-limit-store.ts'

const requestBody = byteSize.describe('Longest body of a request; a longer one is answered 413')

export const limitsSchema = mapping({
  requestBody: requestBody.prefault('150MB'),
  requestHeaders: byteSize.describe('Longest head of a request; a longer one is answered 431').prefault('16KB'),
  answerHeaders: byteSize
    .describe('Longest head of an answer of an upstream or an auth service; a longer one is answered 502')
    .prefault('64KB'),
  headerTimeout: positiveDuration.describe('Longest time for a head to arrive').prefault('10s'),
  idleTimeout: positiveDuration
    .describe('How long a connection without a request stays open; longer than that of a load balancer in front')
    .prefault('75s'),
  stallTimeout: positiveDuration
    .describe('How long a body under way may stand still; event streams and WebSockets may for ever')
    .prefault('60s'),
  connections: integer('a number of connections from 1 to 1000000', 1, 1_000_000)
    .describe('Open at one time, over all listeners; further ones are refused')
    .prefault('10000'),
  connectionsPerTarget: integer('a number of connections from 1 to 1000000', 1, 1_000_000)
    .describe(
      'To one target of an upstream at one time, event streams and WebSockets not counted; further requests wait for one as long as for a new connection, then they are answered 503',
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
      'is a rate in one word',
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
    window: positiveDuration.describe('It begins with the first request').prefault('1s'),
    by: z
      .union([
        client,
        mapping({ header: headerName.optional(), cookie: cookieName.optional() }).superRefine(
          ({ header, cookie }, context) => {
            if ((header === undefined) === (cookie === undefined))
              context.addIssue(
                customIssue(
                  'choose-one',
                  '`by` needs one of `header` and `cookie`',
                  'for example `by: { header: X-Api-Key }`',
                ),
              )
          },
        ),
      ])
      .describe('What is counted together: the requests of one client address, or of one value of a header or cookie')
      .prefault('client'),
  }),
])

const ranges = listOf(addressRanges, 'a list of addresses')

const addressRules = {
  allow: ranges.describe('Only these clients; all others are answered 403').optional(),
  deny: ranges.describe('Not these clients, even if `allow` names them').optional(),
}

/** Keys of the gateway, beside `limits`. */
export const gatewayGuards = {
  ...addressRules,
  rateLimit: rateLimit.describe('Further requests are answered 429; `false`: no limit').optional(),
  rateLimitStore: rateLimitStore
    .describe('Where the requests of all replicas are counted together; default: each replica counts for itself')
    .optional(),
}

const authUrl = scalar({
  expected: 'a URL such as `http://127.0.0.1:9091/verify`',
  read(written) {
    const url = URL.parse(written)
    if (!url || !/^https?:$/.test(url.protocol) || url.hash) return undefined
    if (url.username || url.password)
      return new InvalidValue(
        'has a user or password in it',
        'leave them out: the service is asked with the headers of the request',
      )
    return url.href
  },
})

export const auth = mapping({
  basic: oneOrMany(text('the name of a user such as `admin`'), 'a list of users')
    .describe('The users who may pass; upstreams do not see their Authorization')
    .optional(),
  forward: authUrl
    .describe('Who is asked: 2xx lets a request pass, any other answer is given to the client')
    .optional(),
  copy: listOf(headerName, 'a list of headers')
    .describe("Headers of the service's answer that the upstream gets in place of the client's own")
    .optional(),
  timeout: positiveDuration.describe('Longest wait for the service; default 5s').optional(),
}).superRefine(({ basic, forward, copy, timeout }, context) => {
  if ((basic === undefined) === (forward === undefined))
    context.addIssue(
      customIssue('choose-one', '`auth` needs one of `basic` and `forward`', 'for example `auth: { basic: NAME }`'),
    )
  else if (forward === undefined && (copy !== undefined || timeout !== undefined))
    context.addIssue(
      customIssue(
        'contradiction',
        '`copy` and `timeout` stand beside `basic`, which asks nobody',
        'they belong to `forward`: remove them',
      ),
    )
})

/** Keys of a route; each is laid over the gateway's, whose address rules hold as well. */
export const routeGuards = {
  ...addressRules,
  auth: auth.optional(),
  limits: mapping({ requestBody: requestBody.optional() }).describe("Instead of the gateway's").optional(),
  rateLimit: rateLimit
    .describe("A limit of its own instead of the gateway's; `false`: not limited, and not counted there")
    .optional(),
}
