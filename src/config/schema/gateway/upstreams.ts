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
  }).describe('Up at any status from 200 to 399'),
  every: positiveDuration.prefault('5s'),
  timeout: positiveDuration.describe('Longest wait for one answer').prefault('2s'),
  failures: inARow('failures').describe('So many in a row take a target out').prefault('2'),
  successes: inARow('successes').describe('So many in a row bring it back').prefault('1'),
})

const off = scalar({
  expected: '`false`, or a mapping with `failures`, `within`, `ejectFor` or `errorRate`',
  read: (written) => (written === 'false' ? (false as const) : undefined),
  json: { type: undefined, const: false },
})

const passiveHealthSchema = z.union([
  off,
  mapping({
    failures: inARow('failures')
      .describe('So many connection faults without an answer in between eject a target')
      .prefault('3'),
    within: positiveDuration.describe('The time in which they must fall').prefault('10s'),
    ejectFor: positiveDuration.describe('How long the target is left alone').prefault('10s'),
    errorRate: mapping({
      percent: integer('a number of percent from 1 to 100', 1, 100),
      minimum: integer('a number of answers from 1 to 100000', 1, 100_000)
        .describe('Fewer answers decide nothing')
        .prefault('20'),
    })
      .describe(
        'A share of 5xx and of answers that do not come in time ejects a target, too; default: they do not count',
      )
      .optional(),
  }),
])

const tlsSchema = mapping({
  ca: text('the path of a PEM file').describe('The only authorities that are trusted').optional(),
  serverName: headerText('the name of a host')
    .describe("If the certificates are not for the targets' hosts")
    .optional(),
  verify: boolean.describe('`false`: any certificate will do, so anyone in between can read and answer').default(true),
})

export const upstreamSchema = short(
  mapping({
    targets: listOf(origin, 'a list of URLs such as `http://10.0.0.5:8080`'),
    balance: choice(['round-robin', 'random', 'least-requests', 'first']).prefault('round-robin'),
    health: healthSchema.describe('Asked of every target, from one place').optional(),
    passiveHealth: passiveHealthSchema
      .describe('What requests meet ejects a target for a while, never the last one; `false`: it does not')
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
