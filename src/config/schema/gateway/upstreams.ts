import * as z from 'zod'
import { speaksHttp2 } from '../../../shared/net/origin-scheme.ts'
import { customIssue } from '../invalid-value.ts'
import { boolean, choice, headerText, integer, positiveDuration, scalar, text } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { listOf, mapping } from '../structures.ts'
import { origin } from './addresses.ts'

const inARow = (what: string) => integer(`a number of ${what} from 1 to 100`, 1, 100)

const healthSchema = mapping({
  http: scalar({
    expected: 'a path such as `/health`',
    read: (written) => (/^\/[\x21-\x7e]*$/.test(written) ? written : undefined),
  })
    .describe('Path to request; up at any status from 200 to 399')
    .optional(),
  grpc: scalar({
    expected: '`true`, or the name of a gRPC service',
    read(written) {
      if (written === 'true') return { service: '' }
      return written !== 'false' && /^[\w.-]+$/.test(written) ? { service: written } : undefined
    },
    json: { type: ['boolean', 'string'] },
  })
    .describe('Up if gRPC health says SERVING, for this service or (`true`) the server as a whole')
    .optional(),
  every: positiveDuration.prefault('5s'),
  timeout: positiveDuration.describe('Time limit for one check').prefault('2s'),
  failures: inARow('failures').describe('Consecutive failures that take a target out').prefault('2'),
  successes: inARow('successes').describe('Consecutive successes that bring it back').prefault('1'),
}).superRefine(({ http, grpc }, context) => {
  if ((http === undefined) !== (grpc === undefined)) return
  const message = http === undefined ? '`health` has no check' : '`health` has more than one check: `http` and `grpc`'
  const hint = http === undefined ? 'add `http` or `grpc`: `health: { http: /health }`' : 'keep one of them'
  context.addIssue(customIssue('choose-one', message, hint))
})

const off = scalar({
  expected: '`false`, or a mapping with `failures`, `within`, `ejectFor` or `errorRate`',
  read: (written) => (written === 'false' ? (false as const) : undefined),
  json: { type: undefined, const: false },
})

const passiveHealthSchema = z.union([
  off,
  mapping({
    failures: inARow('failures').describe('Consecutive connection failures that eject a target').prefault('3'),
    within: positiveDuration.describe('Time in which they must occur').prefault('10s'),
    ejectFor: positiveDuration.describe('How long the target gets no requests').prefault('10s'),
    errorRate: mapping({
      percent: integer('a percentage from 1 to 100', 1, 100),
      minimum: integer('a number of responses from 1 to 100000', 1, 100_000)
        .describe('Fewer responses do not eject a target')
        .prefault('20'),
    })
      .describe('Also ejects a target for its share of 5xx responses and timeouts; default: they do not count')
      .optional(),
  }),
])

const tlsSchema = mapping({
  ca: text('the path of a PEM file').describe('The only CAs that are trusted').optional(),
  serverName: headerText('the name of a host')
    .describe("Name to verify, if the certificates are not for the targets' hosts")
    .optional(),
  verify: boolean.describe('`false`: accepts any certificate, so anyone in between can read and answer').default(true),
})

export const upstreamSchema = short(
  mapping({
    targets: listOf(origin, 'a list of URLs such as `http://10.0.0.5:8080`').describe(
      '`http://`, `https://`; or HTTP/2, which gRPC needs: `h2c://`, and `h2://` with TLS',
    ),
    balance: choice(['round-robin', 'random', 'least-requests', 'first']).prefault('round-robin'),
    health: healthSchema.describe('Active health check of every target').optional(),
    passiveHealth: passiveHealthSchema
      .describe('Ejects a target for a while when requests to it fail, never the last one; `false`: off')
      .optional(),
    tls: tlsSchema.describe('For `https` and `h2` targets').optional(),
  }).superRefine(({ targets, health }, context) => {
    const http1 = health?.grpc ? targets.findIndex((target) => !speaksHttp2(target)) : -1
    if (http1 !== -1)
      context.addIssue(
        customIssue(
          'contradiction',
          '`health` asks by gRPC, and this target speaks HTTP/1.1',
          'write it with `h2c://`, or `h2://` for TLS; or use `health: { http: /health }`',
          ['targets', http1],
        ),
      )
    const repeated = targets.findIndex((target, index) => targets.indexOf(target) !== index)
    if (repeated !== -1)
      context.addIssue(
        customIssue('contradiction', 'this target is in the list twice', 'remove one of the two', [
          'targets',
          repeated,
        ]),
      )
  }),
  { key: 'targets' },
)

export type UpstreamConfig = z.output<typeof upstreamSchema>
