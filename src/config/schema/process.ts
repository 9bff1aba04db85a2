import { z } from 'zod'
import { probeAddress, probeUrl } from './addresses.ts'
import { criticalitySchema } from './criticality.ts'
import { environmentSchema } from './environment.ts'
import { refusal } from './flaw.ts'
import { anyText, boolean, choice, duration, integer, port, regularExpression, signal, text } from './scalars.ts'
import { listOf, mapping, named } from './structures.ts'

const command = listOf(anyText, 'a list of words: the program and its arguments')

const probeKinds = ['http', 'tcp', 'exec', 'log'] as const

const readySchema = mapping({
  http: probeUrl.describe('Ready when this answers 200 to 399').optional(),
  tcp: probeAddress.describe('Ready when this port accepts a connection').optional(),
  exec: command.describe('Ready when this command exits 0').optional(),
  log: regularExpression.describe('Ready when a line of output matches').optional(),
  every: duration.describe('Pause between two attempts').prefault('1s'),
  timeout: duration.describe('Longest wait for one attempt').prefault('2s'),
  deadline: duration.describe('Not ready this long after the start counts as a crash').prefault('300s'),
}).superRefine((ready, context) => {
  const chosen = probeKinds.filter((kind) => ready[kind] !== undefined)
  if (chosen.length === 0)
    context.addIssue(
      refusal(
        'choose-one',
        '`ready` does not say what to ask',
        'give one of `http`, `tcp`, `exec` and `log`: `ready: { http: /health }`',
      ),
    )
  if (chosen.length > 1)
    context.addIssue(refusal('choose-one', `\`ready\` has ${written(chosen)}`, 'one probe decides: keep one of them'))
})

const restartSchema = mapping({
  policy: choice(['always', 'on-failure', 'never'])
    .describe('Default: always for a service, never for a task')
    .optional(),
  backoff: mapping({
    first: duration.describe('Pause before the first restart after it had been ready').prefault('0s'),
    next: duration.describe('Pause before the next one; doubles each time').prefault('1s'),
    max: duration.prefault('30s'),
  }).prefault({}),
  giveUp: mapping({
    failures: integer('a number from 1 on', 1, 1_000_000).default(5),
    within: duration.prefault('60s'),
  })
    .describe('So many failures within so long, without having been ready in between, are fatal')
    .prefault({}),
})

export const processSchema = mapping({
  command: command.describe('Program and arguments; no shell reads them. `{port}` is the port'),
  directory: text('the path of a folder').describe("Working directory; default: this file's folder").optional(),
  kind: choice(['service', 'task']).describe('A service runs for ever, a task to its end, once').prefault('service'),
  port: port.describe('The port it serves on 127.0.0.1; also PORT in its environment').optional(),
  environment: environmentSchema.describe('Laid over the environment of all').optional(),
  // Any name: one that no process can have is an unknown process, which says more.
  dependsOn: named(choice(['started', 'ready', 'completed']), z.string())
    .describe('Which process must have got how far before this one starts')
    .prefault({}),
  ready: readySchema.describe('How to know that it is ready; default: as soon as it runs').optional(),
  restart: restartSchema.prefault({}),
  essential: boolean.describe('If it becomes fatal, everything stops').default(false),
  criticality: criticalitySchema.describe(
    'What is lost if it is ended early: decides who is stopped last, and who first',
  ),
  stop: mapping({
    signal: signal.prefault('SIGTERM'),
    grace: duration
      .describe('Time between the signal and SIGKILL; default: 60s if critical, 30s if important, 10s if rebuildable')
      .optional(),
  }).prefault({}),
})

export type ProcessConfig = z.output<typeof processSchema>

function written(keys: readonly string[]): string {
  return `${keys
    .slice(0, -1)
    .map((key) => `\`${key}\``)
    .join(', ')} and \`${keys.at(-1)}\``
}
