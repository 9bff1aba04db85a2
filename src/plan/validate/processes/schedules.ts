import { nearest } from '../../../config/hints/suggest.ts'
import { localZone, zoneNames } from '../../../shared/time/time-zone.ts'
import { type Check, keyPosition, valuePosition, wasLost } from '../../resolve/plan-context.ts'

/** A schedule starts the runs of a task: what depends on it would wait, and if essential it would stop everything. */
export const schedules: Check = (context, report) => {
  const { processes } = context.config
  // Reading a zone loads 7 MB of tables that stay in memory: only if there is a schedule.
  const local = Object.values(processes).some(({ schedule }) => schedule)
    ? localZone(context.content.environment.TZ)
    : undefined
  for (const [name, { kind, schedule, essential, dependsOn }] of Object.entries(processes)) {
    const own = ['processes', name]
    if (schedule && kind === 'service' && !wasLost(context, [...own, 'kind'])) {
      report({
        code: 'contradiction',
        at: keyPosition(context, [...own, 'schedule']),
        message: `\`${name}\` has a schedule, but a service runs all the time`,
        hint: 'make it a task: `kind: task`',
      })
    }
    if (
      schedule &&
      schedule.timezone === undefined &&
      local &&
      'source' in local &&
      !wasLost(context, [...own, 'schedule', 'timezone'])
    ) {
      const near = local.source === 'TZ' ? nearest(local.written, zoneNames()) : undefined
      report({
        code: 'contradiction',
        at: keyPosition(context, [...own, 'schedule']),
        message: `\`${name}\` uses the time zone of ${local.source}, which cannot be read${local.source === 'TZ' ? `: \`${local.written}\`` : ''}`,
        hint: `set \`TZ\` to ${near === undefined ? 'a zone such as `Europe/Berlin`' : `\`${near}\``}, or set \`timezone\` here`,
      })
    }
    if (schedule && essential) {
      report({
        code: 'contradiction',
        at: keyPosition(context, [...own, 'essential']),
        message: `\`${name}\` has a schedule and is essential: one failed run would stop the whole container`,
        hint: 'remove `essential`; a hook on `failed` reports failed runs',
      })
    }
    for (const other of Object.keys(dependsOn)) {
      if (!Object.hasOwn(processes, other) || !processes[other]?.schedule) continue
      report({
        code: 'dependency-never-met',
        at: valuePosition(context, [...own, 'dependsOn', other]),
        message: `\`${name}\` would not start until the schedule of \`${other}\` is due`,
        hint: `depend on a task without a schedule`,
      })
    }
  }
}
