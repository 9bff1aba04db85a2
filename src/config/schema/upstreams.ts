import type { z } from 'zod'
import { origin } from './addresses.ts'
import { refusal } from './flaw.ts'
import { boolean, choice, headerText, integer, positiveDuration, scalar, text } from './scalars.ts'
import { listOf, mapping } from './structures.ts'

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

const tlsSchema = mapping({
  ca: text('the path of a PEM file').describe('The only authorities that are trusted').optional(),
  serverName: headerText('the name of a host')
    .describe("If the certificates are not for the targets' hosts")
    .optional(),
  verify: boolean.describe('`false`: any certificate will do, so anyone in between can read and answer').default(true),
})

export const upstreamSchema = mapping({
  targets: listOf(origin, 'a list of URLs such as `http://10.0.0.5:8080`'),
  balance: choice(['round-robin', 'random', 'least-requests', 'first']).prefault('round-robin'),
  health: healthSchema.describe('Asked of every target, from one place').optional(),
  tls: tlsSchema.describe('For `https` targets').optional(),
}).superRefine(({ targets }, context) => {
  const repeated = targets.findIndex((target, index) => targets.indexOf(target) !== index)
  if (repeated !== -1)
    context.addIssue(
      refusal('contradiction', 'this target is in the list twice', 'remove one of the two', ['targets', repeated]),
    )
})

export type UpstreamConfig = z.output<typeof upstreamSchema>
