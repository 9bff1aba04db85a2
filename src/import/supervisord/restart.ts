/** When a program is started, restarted, and given up. */

import { secondsWritten } from '../../shared/time/duration.ts'
import type { Entries, Value } from '../reading.ts'
import type { Report } from '../reports.ts'
import type { Keys, Read } from './keys.ts'

/** The most failures that the schema allows, in effect never. */
const neverGiveUp = 1_000_000

/** More would take days. */
const maxRetries = 10_000

/** Entries of our process: `kind`, `restart`, `when`. */
export function restartEntries(keys: Keys, name: string, report: Report): Entries {
  const autostart = keys.boolean('autostart')
  const autorestart = readAutorestart(keys, report)
  const startsecs = keys.integer('startsecs')
  const startretries = keys.integer('startretries')
  const exitcodes = keys.text('exitcodes')
  const never = autorestart?.value === 'never'
  const isTask = never && startsecs?.value === 0
  const restart: Record<string, Value> = {}
  if (autorestart?.value !== 'always' && !isTask) restart.policy = autorestart?.value ?? 'on-failure'
  if (!never) {
    const giveUp = whenToGiveUp(startsecs?.value, startretries?.value)
    if (giveUp) restart.giveUp = giveUp
    if (startsecs && startsecs.value > 0) restart.steady = secondsWritten(startsecs.value)
    if (startsecs?.value === 0)
      report(
        startsecs.at,
        'note',
        'with 0 seconds supervisord never gives up, and neither does Gatehouse; the default is 5 `failures`',
      )
  } else if (autorestart && !isTask && startretries?.value !== 0)
    report(
      autorestart.at,
      'changed',
      '`autorestart`: it is not restarted even if it exits at once; supervisord retries `startretries` times',
    )
  if (isTask && autorestart)
    report(
      autorestart.at,
      'note',
      'with `startsecs=0` this is a task: it runs once, and others can wait until it is `completed`',
    )
  if (exitcodes) reportExitCodes(exitcodes, isTask ? 'task' : restart.policy, report)
  if (autostart?.value === false)
    report(autostart.at, 'changed', `\`autostart\`: it starts only if ${startVariable(name)} is set`)
  return {
    ...(autostart?.value === false && { when: { env: startVariable(name) } }),
    ...(isTask && { kind: 'task' }),
    ...(Object.keys(restart).length > 0 && { restart }),
  }
}

function readAutorestart(keys: Keys, report: Report): Read<'always' | 'on-failure' | 'never'> | undefined {
  const read = keys.text('autorestart')
  if (!read) return undefined
  const { value, at } = read
  if (/^unexpected$/i.test(value)) return { value: 'on-failure', at }
  if (/^(yes|true|on|1)$/i.test(value)) return { value: 'always', at }
  if (/^(no|false|off|0)$/i.test(value)) return { value: 'never', at }
  report(at, 'untranslated', '`autorestart` must be `true`, `false` or `unexpected`')
  return undefined
}

/**
 * supervisord counts a start as failed if the program exits within `startsecs`, and gives up after `startretries` more
 * in a row. With 0 seconds no start ever fails. We count failures within a window, so it must be long enough for them
 * all.
 */
function whenToGiveUp(startsecs = 1, startretries: number | undefined): Entries | undefined {
  if (startsecs === 0) return { failures: neverGiveUp }
  if (startretries === undefined) return undefined
  const retries = Math.min(Math.max(startretries, 0), maxRetries)
  const pauses = Array.from({ length: retries }, (_, step) => Math.min(2 ** step, 30))
  const longest = (retries + 1) * startsecs + pauses.reduce((sum, pause) => sum + pause, 0)
  const within = Math.ceil(longest / 10) * 10
  return { failures: retries + 1, ...(within > 60 && { within: secondsWritten(within) }) }
}

function reportExitCodes({ value, at }: Read<string>, policy: Value | undefined, report: Report): void {
  const others = value
    .split(',')
    .map((code) => code.trim())
    .filter((code) => code !== '0')
  if (others.length > 0 && policy === 'task')
    report(
      at,
      'changed',
      `a task that exits with ${others.join(' or ')} has failed, and others keep waiting for it; only 0 is a success`,
    )
  if (others.length > 0 && policy === 'on-failure')
    report(at, 'changed', `an exit with ${others.join(' or ')} is a failure and restarts it; only 0 is a success`)
}

function startVariable(name: string): string {
  return `START_${name.toUpperCase().replaceAll('-', '_')}`
}
