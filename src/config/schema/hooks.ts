/** What is called when something happens to a process. */
import { z } from 'zod'
import { customIssue } from './invalid-value.ts'
import { commandSchema } from './process/command.ts'
import { choice, formOrVariable, positiveDuration, scalar } from './scalars.ts'
import { mapping, oneOrMany } from './structures.ts'

/** States that a process may enter, other turns of its life, and what else may happen to it. */
export const occasions = [
  'waiting',
  'starting',
  'running',
  'backoff',
  'parked',
  'stopping',
  'stopped',
  'exited',
  'fatal',
  'ready',
  'unready',
  'completed',
  'failed',
  'essential-failed',
  'essential-ended',
  'schedule-skipped',
  'schedule-late',
  'replaced',
  'roll-failed',
  'memory',
  'backup-overdue',
  'backup-shrunk',
] as const

export type Occasion = (typeof occasions)[number]

const url = scalar({
  expected: 'a URL such as `https://example.com/hook`',
  // Whoever knows such a URL may call it, so a mistaken one is not repeated.
  secret: true,
  read: (written) => (/^https?:$/.test(URL.parse(written)?.protocol ?? '') ? written : undefined),
  json: formOrVariable({ type: 'string', pattern: '^https?://' }),
})

// Any name: one that no process can have is an unknown process, which says more.
const processName = scalar({ expected: 'the name of a process', read: (written) => written || undefined })

export const hooksSchema = z.array(
  mapping({
    on: oneOrMany(choice(occasions), 'a list of events: `[fatal, backoff]`').describe('On which events it is called'),
    processes: oneOrMany(processName, 'a list of processes: `[web]`').describe('Default: all of them').optional(),
    run: commandSchema.describe('A command; it finds the event in GATEHOUSE_EVENT and GATEHOUSE_EVENT_*').optional(),
    url: url.describe('The event is sent there as JSON, by POST').optional(),
    timeout: positiveDuration.describe('Longest time of a command, or for one answer').prefault('10s'),
  }).superRefine(({ run, url }, context) => {
    if ((run === undefined) !== (url === undefined)) return
    const message = run === undefined ? 'this hook does not say what to call' : 'this hook has both `run` and `url`'
    context.addIssue(
      customIssue('choose-one', message, 'give one of `run: [command, argument]` and `url: https://...`'),
    )
  }),
  { error: () => 'a list of hooks: `[{ on: fatal, run: [command] }]`' },
)
