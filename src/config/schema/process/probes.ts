/** The probes of a process: `startup`, `ready` and `alive`. */
import * as z from 'zod'
import { probeAddress, probeUrl } from '../gateway/addresses.ts'
import { customIssue } from '../invalid-value.ts'
import { integer, port, positiveDuration, regularExpression, text } from '../scalars.ts'
import { mapping } from '../structures.ts'
import { commandSchema } from './command.ts'

/** Checks that Gatehouse repeats. */
const polled = {
  http: probeUrl.describe('Passes if this URL answers 200 to 399').optional(),
  tcp: probeAddress.describe('Passes if this port accepts a connection').optional(),
  exec: commandSchema.describe('Passes if this command exits 0').optional(),
  grpc: z
    .union([
      port.transform((number) => ({ port: number, service: '' })),
      mapping({
        port: port.describe('Default: the `port` of the process').optional(),
        service: text('the name of a gRPC service').describe('Default: the server as a whole').optional(),
      }).transform(({ service = '', ...place }) => ({ ...place, service })),
    ])
    .describe('Passes if gRPC health on this port says SERVING')
    .optional(),
  every: positiveDuration.describe('Longest interval between attempts; the first ones are shorter').prefault('1s'),
  timeout: positiveDuration.describe('Time limit for one attempt').prefault('2s'),
}

/** Reported by the program itself, once. */
const reported = {
  log: regularExpression.describe('Passes when a line of output matches').optional(),
  fd: integer('the number of a file descriptor from 3 to 255', 3, 255)
    .describe('Passes when the program writes a newline to this file descriptor')
    .optional(),
}

const polledKinds = ['http', 'tcp', 'exec', 'grpc'] as const
const allKinds = [...polledKinds, 'log', 'fd'] as const

const inARow = integer('a number from 1 to 1000', 1, 1_000)

export const startupSchema = mapping({
  ...polled,
  ...reported,
  deadline: positiveDuration
    .describe('Not having started up this long after launch counts as a crash')
    .prefault('300s'),
}).superRefine((probe, context) => chooseOne('startup', allKinds, probe, context))

export const readySchema = mapping({
  ...polled,
  ...reported,
  deadline: positiveDuration.describe('Not being ready this long after the start counts as a crash').prefault('300s'),
  failures: inARow
    .describe('Consecutive failures that make it unready until it passes again; default: once ready, it stays ready')
    .optional(),
}).superRefine((probe, context) => {
  chooseOne('ready', allKinds, probe, context)
  const reportedBy = probe.log !== undefined ? 'log' : probe.fd !== undefined ? 'fd' : undefined
  if (probe.failures === undefined || reportedBy === undefined) return
  const message = `\`failures\` has no effect with \`${reportedBy}\`: the program reports once that it is ready`
  context.addIssue(customIssue('contradiction', message, 'remove `failures`, or use `http`, `tcp`, `exec` or `grpc`'))
})

export const aliveSchema = mapping({
  ...polled,
  every: positiveDuration.describe('Interval between attempts').prefault('10s'),
  failures: inARow
    .describe('Consecutive failures that count as a crash; not counted while a dependency is not ready')
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
    const message = `\`${key}\` has more than one check: ${listed(chosen)}`
    context.addIssue(customIssue('choose-one', message, 'keep one of them'))
    return
  }
  const hint = `add one of ${listed(kinds)}: \`${key}: { http: /health }\``
  context.addIssue(customIssue('choose-one', `\`${key}\` has no check`, hint))
}

function listed(keys: readonly string[]): string {
  const quoted = keys.map((key) => `\`${key}\``)
  return `${quoted.slice(0, -1).join(', ')} and ${quoted.at(-1)}`
}
