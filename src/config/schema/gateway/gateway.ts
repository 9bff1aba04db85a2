import * as z from 'zod'
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
      .describe('Paths not to log; default: those of `health`, if a listener serves them')
      .optional(),
  }),
])

const maxThreads = 64

const threads = scalar<'auto' | number>({
  expected: `\`auto\`, or a number of threads from 1 to ${maxThreads}`,
  words: ['auto'],
  read(written) {
    if (written === 'auto') return written
    return /^\d{1,2}$/.test(written) && Number(written) >= 1 && Number(written) <= maxThreads
      ? Number(written)
      : undefined
  },
  json: formOrVariable({ const: 'auto' }, { type: 'integer', minimum: 1, maximum: maxThreads }),
})

const everyEncoding = ['zstd', 'br', 'gzip'] as const

const compressionSchema = z
  .union([boolean, listOf(choice(everyEncoding), 'a list of encodings')])
  .transform((wish) => (typeof wish === 'boolean' ? (wish ? everyEncoding : []) : [...new Set(wish)]))

export const gatewaySchema = mapping({
  threads: threads.describe('`auto`: one for every two available CPUs').prefault('auto'),
  listeners: named(listenerSchema).describe('Default, if there are routes: `http` on `:80`').prefault({}),
  trustedProxies: oneOrMany(addressRanges, 'a list of addresses and ranges')
    .describe('Addresses whose X-Forwarded-* and PROXY headers are trusted; default: none')
    .prefault('none'),
  requestId: mapping({
    header: headerName.prefault('X-Request-Id'),
    accept: choice(['uuid-v4', 'none'])
      .describe("`uuid-v4`: keeps a client's id if it is a UUID v4; `none`: always generates one")
      .prefault('uuid-v4'),
    invalid: headerText('a text for a header')
      .describe('Id to use if the client sends none that is accepted; default: a new one')
      .optional(),
    internal: headerName.describe('Header for a second id, which the gateway always generates').optional(),
  }).prefault({}),
  limits: limitsSchema,
  ...gatewayGuards,
  request: requestHeaders.describe('Headers sent to upstreams').prefault({}),
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
    .describe('Encodings in order of preference; `false` turns compression off')
    .prefault(['zstd', 'br', 'gzip']),
  health: mapping({
    live: exactPath.describe('200 as long as the gateway runs').prefault('/healthz'),
    ready: exactPath.describe('200, or 503 once the gateway begins to stop').prefault('/readyz'),
  })
    .describe('Health endpoints, on listeners with `health: true`; GET and HEAD')
    .prefault({}),
  errors: mapping({
    format: choice(['auto', 'json', 'plain'])
      .describe('`auto`: JSON or a small page for clients that accept it by name, otherwise plain text')
      .prefault('auto'),
  }).prefault({}),
  accessLog: accessLogSchema.describe('`false` turns it off').default(true),
  routes: z
    .array(routeSchema, { error: () => 'a list of routes' })
    .describe('The first that matches wins')
    .prefault([]),
})

export type GatewayConfig = z.output<typeof gatewaySchema>
