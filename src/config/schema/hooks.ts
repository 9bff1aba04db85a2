/** What is called when something happens to a process. */
import * as z from 'zod'
import { customIssue } from './invalid-value.ts'
import { commandSchema } from './process/command.ts'
import { choice, formOrVariable, positiveDuration, scalar } from './scalars.ts'
import { mapping, oneOrMany } from './structures.ts'

/** States that a process may enter, and other events. */
export const hookEvents = [
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

export type HookEvent = (typeof hookEvents)[number]

const url = scalar({
  expected: 'a URL such as `https://example.com/hook`',
  // Such a URL is often a secret, so an invalid one is not repeated.
  secret: true,
  read: (written) => (/^https?:$/.test(URL.parse(written)?.protocol ?? '') ? written : undefined),
  json: formOrVariable({ type: 'string', pattern: '^https?://' }),
})

// Any name: one that no process can have is an unknown process, which says more.
const processName = scalar({ expected: 'the name of a process', read: (written) => written || undefined })

export const hooksSchema = z.array(
  mapping({
    on: oneOrMany(choice(hookEvents), 'a list of events: `[fatal, backoff]`').describe('Events to call it on'),
    processes: oneOrMany(processName, 'a list of processes: `[web]`').describe('Default: all').optional(),
    run: commandSchema.describe('Command to run, with the event in GATEHOUSE_EVENT and GATEHOUSE_EVENT_*').optional(),
    url: url.describe('URL that gets the event as JSON, by POST').optional(),
    timeout: positiveDuration.describe('Time limit for the command or the response').prefault('10s'),
  }).superRefine(({ run, url }, context) => {
    if ((run === undefined) !== (url === undefined)) return
    const message = run === undefined ? 'this hook has neither `run` nor `url`' : 'this hook has both `run` and `url`'
    context.addIssue(customIssue('choose-one', message, 'add one of `run: [command, argument]` and `url: https://...`'))
  }),
  { error: () => 'a list of hooks: `[{ on: fatal, run: [command] }]`' },
)
