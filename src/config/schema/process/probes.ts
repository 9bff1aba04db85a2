/** What tells how a process is: `startup`, `ready` and `alive`. */
import { z } from 'zod'
import { probeAddress, probeUrl } from '../gateway/addresses.ts'
import { customIssue } from '../invalid-value.ts'
import { integer, port, positiveDuration, regularExpression, text } from '../scalars.ts'
import { mapping } from '../structures.ts'
import { commandSchema } from './command.ts'

/** Asked again and again; each for itself. */
const polled = {
  http: probeUrl.describe('Good when this answers 200 to 399').optional(),
  tcp: probeAddress.describe('Good when this port accepts a connection').optional(),
  exec: commandSchema.describe('Good when this command exits 0').optional(),
  grpc: z
    .union([
      port.transform((number) => ({ port: number, service: '' })),
      mapping({
        port: port.describe('Default: the `port` of the process').optional(),
        service: text('the name of a gRPC service').describe('Default: the server as a whole').optional(),
      }).transform(({ service = '', ...place }) => ({ ...place, service })),
    ])
    .describe('Good when gRPC health on this port says SERVING')
    .optional(),
  every: positiveDuration.describe('Longest pause between two attempts; the first ones are shorter').prefault('1s'),
  timeout: positiveDuration.describe('Longest wait for one attempt').prefault('2s'),
}

/** Said by the program itself, once. */
const reported = {
  log: regularExpression.describe('Good when a line of output matches').optional(),
  fd: integer('the number of a file descriptor from 3 to 255', 3, 255)
    .describe('Good when the program writes a newline to this file descriptor')
    .optional(),
}

const polledKinds = ['http', 'tcp', 'exec', 'grpc'] as const
const allKinds = [...polledKinds, 'log', 'fd'] as const

const inARow = integer('a number from 1 to 1000', 1, 1_000)

export const startupSchema = mapping({
  ...polled,
  ...reported,
  deadline: positiveDuration.describe('Not started up this long after its start counts as a crash').prefault('300s'),
}).superRefine((probe, context) => chooseOne('startup', allKinds, probe, context))

export const readySchema = mapping({
  ...polled,
  ...reported,
  deadline: positiveDuration.describe('Not ready this long after the start counts as a crash').prefault('300s'),
  failures: inARow
    .describe('So many failed attempts in a row make it not ready until it answers again; default: once is enough')
    .optional(),
}).superRefine((probe, context) => {
  chooseOne('ready', allKinds, probe, context)
  const said = probe.log !== undefined ? 'log' : probe.fd !== undefined ? 'fd' : undefined
  if (probe.failures === undefined || said === undefined) return
  const message = `\`failures\` counts attempts, but with \`${said}\` the program says once that it is ready`
  context.addIssue(
    customIssue('contradiction', message, 'remove `failures`, or ask by `http`, `tcp`, `exec` or `grpc`'),
  )
})

export const aliveSchema = mapping({
  ...polled,
  every: positiveDuration.describe('Pause between two attempts').prefault('10s'),
  failures: inARow
    .describe('So many failed attempts in a row count as a crash; while what it depends on is not ready it is spared')
    .default(3),
}).superRefine((probe, context) => chooseOne('alive', polledKinds, probe, context))

function chooseOne<K extends string>(
  key: string,
  kinds: readonly K[],
  probe: Readonly<Partial<Record<K, unknown>>>,
  context: z.RefinementCtx,
): void {
  const chosen = kinds.filter((kind) => probe[kind] !== undefined)
  if (chosen.length === 1) return
  if (chosen.length > 1) {
    const message = `\`${key}\` has ${listed(chosen)}`
    context.addIssue(customIssue('choose-one', message, 'one probe decides: keep one of them'))
    return
  }
  const hint = `give one of ${listed(kinds)}: \`${key}: { http: /health }\``
  context.addIssue(customIssue('choose-one', `\`${key}\` does not say what to ask`, hint))
}

function listed(keys: readonly string[]): string {
  const quoted = keys.map((key) => `\`${key}\``)
  return `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}
