import { z } from 'zod'
import { boolean, choice, formOrVariable, headerName, headerText, scalar, text } from '../scalars.ts'
import { listOf, mapping, named, oneOrMany } from '../structures.ts'
import { gatewayGuards, limitsSchema } from './guards.ts'
import { headersSchema, requestHeaders } from './headers.ts'
import { listenerSchema } from './listener.ts'
import { exactPath } from './paths.ts'
import { addressRanges } from './ranges.ts'
import { routeSchema } from './route.ts'

const accessLogSchema = z.union([
  boolean,
  mapping({
    skip: listOf(text('a path pattern such as `/api/*`'), 'a list of path patterns')
      .describe('Paths whose requests are not logged; default: those of `health`, if a listener has them')
      .optional(),
  }),
])

const most = 64

const threads = scalar<'auto' | number>({
  expected: `\`auto\`, or a number of threads from 1 to ${most}`,
  words: ['auto'],
  read(written) {
    if (written === 'auto') return written
    return /^\d{1,2}$/.test(written) && Number(written) >= 1 && Number(written) <= most ? Number(written) : undefined
  },
  json: formOrVariable({ const: 'auto' }, { type: 'integer', minimum: 1, maximum: most }),
})

const everyEncoding = ['zstd', 'br', 'gzip'] as const

const compressionSchema = z
  .union([boolean, listOf(choice(everyEncoding), 'a list of encodings')])
  .transform((wish) => (typeof wish === 'boolean' ? (wish ? everyEncoding : []) : [...new Set(wish)]))

export const gatewaySchema = mapping({
  threads: threads.describe('`auto`: one for every two CPUs that may be used').prefault('auto'),
  listeners: named(listenerSchema).describe('Default, if there are routes: `http` on `:80`').prefault({}),
  trustedProxies: oneOrMany(addressRanges, 'a list of addresses, ranges such as `10.0.0.0/8`, `loopback` or `private`')
    .describe('Whose X-Forwarded-* and PROXY headers are believed; default: nobody')
    .prefault('none'),
  requestId: mapping({
    header: headerName.prefault('X-Request-Id'),
    accept: choice(['uuid-v4', 'none'])
      .describe("`uuid-v4`: a client's own id is kept if it is one; `none`: always a new one")
      .prefault('uuid-v4'),
    invalid: headerText('a text for a header')
      .describe('What client and upstream read where the client sent no id that is accepted; default: a new id')
      .optional(),
    internal: headerName.describe("Header for a second id that is always ours, never the client's").optional(),
  }).prefault({}),
  limits: limitsSchema,
  ...gatewayGuards,
  request: requestHeaders.describe('Headers that upstreams get').prefault({}),
  response: mapping({
    securityHeaders: boolean
      .describe(
        'Sets X-Content-Type-Options, X-Frame-Options and Referrer-Policy, removes Server and X-Powered-By; `headers` wins',
      )
      .default(false),
    headers: headersSchema.prefault({}),
  })
    .describe('Headers of every response')
    .prefault({}),
  compression: compressionSchema
    .describe('Encodings offered to clients, the preferred one first; `false` turns it off')
    .prefault(['zstd', 'br', 'gzip']),
  health: mapping({
    live: exactPath.describe('200 while the gateway answers at all').prefault('/healthz'),
    ready: exactPath.describe('200, and 503 as soon as the gateway is about to stop').prefault('/readyz'),
  })
    .describe('On listeners with `health: true`; GET and HEAD')
    .prefault({}),
  errors: mapping({
    format: choice(['auto', 'json', 'plain'])
      .describe('`auto`: JSON or a small page to clients that ask for them by name, else plain text')
      .prefault('auto'),
  }).prefault({}),
  accessLog: accessLogSchema.describe('`false` turns it off').default(true),
  routes: z
    .array(routeSchema, { error: () => 'a list of routes' })
    .describe('The first that matches wins')
    .prefault([]),
})

export type GatewayConfig = z.output<typeof gatewaySchema>
