import { z } from 'zod'
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
  }).describe('Path to request; up at any status from 200 to 399'),
  every: positiveDuration.prefault('5s'),
  timeout: positiveDuration.describe('Time limit for one check').prefault('2s'),
  failures: inARow('failures').describe('Consecutive failures that take a target out').prefault('2'),
  successes: inARow('successes').describe('Consecutive successes that bring it back').prefault('1'),
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
    targets: listOf(origin, 'a list of URLs such as `http://10.0.0.5:8080`'),
    balance: choice(['round-robin', 'random', 'least-requests', 'first']).prefault('round-robin'),
    health: healthSchema.describe('Active health check of every target').optional(),
    passiveHealth: passiveHealthSchema
      .describe('Ejects a target for a while when requests to it fail, never the last one; `false`: off')
      .optional(),
    tls: tlsSchema.describe('For `https` targets').optional(),
  }).superRefine(({ targets }, context) => {
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
