import { z } from 'zod'
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
      .describe('Pause before the first restart if it had been ready, and has not failed before')
      .prefault('0s'),
    next: duration.describe('Pause before the next one; doubles each time').prefault('1s'),
    max: duration.prefault('30s'),
  }).prefault({}),
  giveUp: mapping({
    failures: integer('a number from 1 on', 1, 1_000_000).default(5),
    within: duration.prefault('60s'),
  })
    .describe('So many failures within so long, without having been steady in between, are fatal')
    .prefault({}),
  steady: positiveDuration
    .describe(
      'Ready for so long without a break, its failures are forgotten; without a probe it is ready as soon as it runs',
    )
    .prefault('10s'),
  style: choice(['replace', 'rolling'])
    .describe('When its entry changed: it is ended first, or a successor starts beside it and takes over')
    .prefault('replace'),
  drain: duration
    .describe('Rolling: how long requests under way may take when the successor has taken over; default: 30s')
    .optional(),
})

export const processSchema = mapping({
  command: commandSchema.describe(
    'Program and arguments; no shell reads them. `{port}` is the port, `{backup}` where to write',
  ),
  directory: text('the path of a folder').describe("Working directory; default: this file's folder").optional(),
  ...rightsShape,
  kind: choice(['service', 'task']).describe('A service runs for ever, a task to its end, once').prefault('service'),
  schedule: scheduleSchema.describe('When a task runs; without one, once at the start').optional(),
  backup: backupSchema.describe('What the task leaves: watched, dated and cleared up').optional(),
  port: ownPort
    .describe('The port it serves on 127.0.0.1, also PORT in its environment; `auto`: a spare one at each start')
    .optional(),
  environment: processEnvironmentSchema.describe('Laid over the environment of all').optional(),
  // Any name: one that no process can have is an unknown process, which says more.
  dependsOn: short(named(choice(['started', 'ready', 'completed']), z.string()), { dependencies: true })
    .describe(
      'Which process must have got how far before this one starts; `[redis]`: `ready`, or `completed` for a task',
    )
    .prefault({}),
  startup: startupSchema.describe('For slow starters: before this succeeds, nothing else is asked').optional(),
  ready: readySchema.describe('How to know that it is ready; default: as soon as it runs').optional(),
  alive: aliveSchema.describe('How to know, once it is ready, that it does not hang').optional(),
  restart: short(restartSchema, { key: 'policy' }).describe('`restart: always` is `{ policy: always }`').prefault({}),
  essential: boolean
    .describe(
      'If it is down for good, everything stops: with its exit code if it failed, with 0 if a service ended well',
    )
    .default(false),
  criticality: criticalitySchema.describe(
    'What is lost if it is ended early: decides who is stopped last, and who first',
  ),
  memory: memory
    .describe('How much it may use; `auto`: its part of what the container has. Java and Node are told of it')
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
