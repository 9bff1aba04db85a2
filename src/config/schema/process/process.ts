import * as z from 'zod'
import { processEnvironmentSchema } from '../environment/environment.ts'
import { boolean, choice, duration, integer, ownPort, positiveDuration, signal, text } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { mapping, named } from '../structures.ts'
import { backupSchema } from './backup.ts'
import { commandSchema } from './command.ts'
import { criticalitySchema } from './criticality.ts'
import { memory } from './memory.ts'
import { outputSchema } from './output.ts'
import { aliveSchema, readySchema, startupSchema } from './probes.ts'
import { rightsShape } from './rights.ts'
import { scheduleSchema } from './schedule.ts'

const restartSchema = mapping({
  policy: choice(['always', 'on-failure', 'never'])
    .describe('Default: always for a service, never for a task')
    .optional(),
  backoff: mapping({
    first: duration
      .describe('Delay before the first restart, if it had been ready and has not failed before')
      .prefault('0s'),
    next: duration.describe('Delay before the next one; doubles each time').prefault('1s'),
    max: duration.prefault('30s'),
  }).prefault({}),
  giveUp: mapping({
    failures: integer('a number of 1 or more', 1, 1_000_000).default(5),
    within: duration.prefault('60s'),
  })
    .describe('This many failures within this time, without a steady run in between, are fatal')
    .prefault({}),
  steady: positiveDuration
    .describe(
      'After being ready this long without a break, its failures are forgotten; without a probe, it is ready as soon as it runs',
    )
    .prefault('10s'),
  style: choice(['replace', 'rolling'])
    .describe(
      'How a changed entry takes effect: the process stops first, or a successor starts beside it and takes over',
    )
    .prefault('replace'),
  drain: duration
    .describe('Rolling: time limit for requests in flight once the successor has taken over; default: 30s')
    .optional(),
})

export const processSchema = mapping({
  command: commandSchema.describe(
    'Program and arguments, run without a shell. `{port}` is its port, `{backup}` the backup file to write',
  ),
  directory: text('the path of a folder').describe("Working directory; default: this file's folder").optional(),
  ...rightsShape,
  kind: choice(['service', 'task']).describe('A service runs forever, a task once to its end').prefault('service'),
  schedule: scheduleSchema.describe('When a task runs; default: once at startup').optional(),
  backup: backupSchema.describe('Backups that the task makes: checked, named by time and pruned').optional(),
  port: ownPort
    .describe('Port it listens on at 127.0.0.1, also PORT in its environment; `auto`: a free one at each start')
    .optional(),
  protocol: choice(['http', 'h2c'])
    .describe('What routes to it speak: HTTP/1.1, or HTTP/2 without TLS, which gRPC needs; default: http')
    .optional(),
  environment: processEnvironmentSchema.describe('Overrides the shared environment').optional(),
  // Any name: one that no process can have is an unknown process, which says more.
  dependsOn: short(named(choice(['started', 'ready', 'completed']), z.string()), { dependencies: true })
    .describe(
      'Processes and the state each must reach before this one starts; `[redis]`: `ready`, or `completed` for a task',
    )
    .prefault({}),
  startup: startupSchema.describe('For slow starters: no other probe runs until this one passes').optional(),
  ready: readySchema.describe('Readiness probe; default: ready as soon as it runs').optional(),
  alive: aliveSchema.describe('Liveness probe, from when it is ready').optional(),
  restart: short(restartSchema, { key: 'policy' }).describe('`restart: always` is `{ policy: always }`').prefault({}),
  essential: boolean
    .describe('If it ends for good, everything stops: with its exit code if it failed, with 0 if a service ended well')
    .default(false),
  criticality: criticalitySchema.describe(
    'What is lost if it is killed early: decides which processes stop last, and which first',
  ),
  memory: memory
    .describe('How much it may use; `auto`: a share of what the container has. Passed on to Java and Node')
    .optional(),
  output: outputSchema.prefault({}),
  stop: mapping({
    signal: signal.prefault('SIGTERM'),
    grace: duration
      .describe('Time between the signal and SIGKILL; default: 60s if critical, 30s if important, 10s if rebuildable')
      .optional(),
  }).prefault({}),
})

export type ProcessConfig = z.output<typeof processSchema>
