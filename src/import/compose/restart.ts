/** `restart`, and `deploy.restart_policy` that wins over it. */
import type { Entries } from '../reading.ts'
import type { Report } from '../reports.ts'
import type { Field, Fields } from './fields.ts'

/** The most failures that the schema allows, in effect never. */
const neverGiveUp = 1_000_000

/** The `restart` of our process; a task has none, because it runs once. */
export function restartEntries(service: Fields, isTask: boolean, report: Report): Entries {
  const { at, value } = policyOf(service, report) ?? { at: service.at, value: 'no' }
  if (isTask) {
    if (value !== 'no' && value !== 'none')
      report(at, 'changed', 'other services wait until it completes, so it is a task and runs once')
    return {}
  }
  const [, attempts] = /^on-failure(?::(\d+))?$/.exec(value) ?? [undefined, undefined]
  switch (value.split(':')[0]) {
    case 'no':
    case 'none':
      return { restart: { policy: 'never' } }
    case 'always':
    case 'any':
    case 'unless-stopped':
      return { restart: { giveUp: { failures: neverGiveUp } } }
    case 'on-failure':
      return { restart: { policy: 'on-failure', giveUp: { failures: attempts ? Number(attempts) + 1 : neverGiveUp } } }
    default:
      report(at, 'untranslated', '`restart` must be `no`, `always`, `on-failure` or `unless-stopped`')
      return {}
  }
}

function policyOf(service: Fields, report: Report): Field<string> | undefined {
  const own = service.text('restart')
  const policy = service.fields('deploy')?.fields('restart_policy')
  const condition = policy?.text('condition')
  const attempts = policy?.number('max_attempts')
  if (!policy) return own
  for (const { key, at } of policy.unread())
    report(at, 'untranslated', `\`restart_policy.${key}\`: \`restart\` has \`backoff\` and \`giveUp\``)
  const value = condition?.value ?? 'any'
  const counted = value === 'on-failure' && attempts ? `${value}:${attempts.value}` : value
  return { value: counted, at: condition?.at ?? policy.at }
}
