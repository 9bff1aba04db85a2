/** `healthcheck` as `ready`: like there, it decides whether dependents may start, and restarts nothing. */

import { written } from '../marked.ts'
import type { Entries, Value } from '../reading.ts'
import type { Report } from '../reports.ts'
import type { Fields } from './fields.ts'
import { textsOf } from './lists.ts'

export function readyEntries(service: Fields, report: Report): Entries {
  const fields = service.fields('healthcheck')
  if (!fields) return {}
  const disabled = fields.boolean('disable')?.value
  const exec = disabled ? undefined : execOf(fields, report)
  const interval = fields.duration('interval')
  const timeout = fields.duration('timeout')
  const retries = fields.number('retries')
  const startPeriod = fields.duration('start_period')
  const startInterval = fields.duration('start_interval')
  for (const { key, at } of fields.unread()) report(at, 'untranslated', `\`healthcheck.${key}\` is not known`)
  if (!exec) return {}
  if (startPeriod)
    report(
      startPeriod.at,
      'changed',
      '`start_period`: a process that is not ready within 5m, or this time if it is longer, is restarted',
    )
  if (startInterval)
    report(startInterval.at, 'changed', '`start_interval`: `ready` has one interval, `every`, from the start')
  report(fields.at, 'note', '`healthcheck` becomes `ready`; to restart the process when it fails, add `alive` too')
  return {
    ready: {
      exec,
      // Compose's defaults; ours runs the command every second.
      every: interval?.value ?? '30s',
      timeout: timeout?.value ?? '30s',
      ...deadline(startPeriod?.value),
      failures: retries?.value ?? 3,
    },
  }
}

function execOf(fields: Fields, report: Report): readonly Value[] | undefined {
  const test = fields.node('test')
  if (!test) {
    const at = fields.at
    report(at, 'untranslated', '`healthcheck` without `test`: the one of the image is not known here')
    return undefined
  }
  const [first, ...rest] = textsOf(test).map(({ value }) => value)
  if (first === undefined || first === 'NONE') return undefined
  if (test.kind === 'scalar') return ['sh', '-c', written(first)]
  if (first === 'CMD-SHELL') return ['sh', '-c', ...rest.map(written)]
  if (first === 'CMD' && rest.length > 0) return rest.map(written)
  report(fields.placeOf('test'), 'untranslated', '`test` must begin with `CMD`, `CMD-SHELL` or `NONE`')
  return undefined
}

/** Our default is 5m. */
function deadline(startPeriod: string | undefined): Entries {
  const [, seconds] = /^(\d+)s$/.exec(startPeriod ?? '') ?? []
  return seconds !== undefined && Number(seconds) > 300 ? { deadline: `${seconds}s` } : {}
}
