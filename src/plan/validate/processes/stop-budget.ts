import { formatDuration } from '../../../shared/time/duration.ts'
import { type Check, isIntact, keyPosition } from '../../resolve/plan-context.ts'
import { resolveStop } from '../../resolve/process/stop.ts'

/** A critical process whose grace exceeds the shutdown budget, even if no other process needed any time. */
export const stopBudget: Check = (context, report) => {
  const { budget } = context.config.shutdown
  if (!isIntact(context, ['shutdown'])) return
  for (const [name, process] of Object.entries(context.config.processes)) {
    const path = ['processes', name]
    // If a part of it is invalid, this would only repeat that error.
    if (!isIntact(context, [...path, 'criticality']) || !isIntact(context, [...path, 'stop'])) continue
    const { grace } = resolveStop(process)
    if (process.criticality !== 'critical' || grace <= budget) continue
    report({
      severity: 'note',
      code: 'budget-short',
      at: keyPosition(context, [...path, 'criticality']),
      message: `\`${name}\` may take ${formatDuration(grace)} to stop, but \`shutdown.budget\` is ${formatDuration(budget)}`,
      hint: 'raise `shutdown.budget`, and with it the timeout outside: `docker stop --timeout`, `terminationGracePeriodSeconds`',
    })
  }
}
