import { formatDuration } from '../../../shared/time/duration.ts'
import { type Check, isIntact, keyPosition } from '../../resolve/plan-context.ts'
import { resolveStop } from '../../resolve/process/stop.ts'

/** A critical process that would be cut short by the budget of the whole stop, even if nobody else needed any time. */
export const stopBudget: Check = (context, report) => {
  const { budget } = context.config.shutdown
  if (!isIntact(context, ['shutdown'])) return
  for (const [name, process] of Object.entries(context.config.processes)) {
    const path = ['processes', name]
    // With half of it understood, this would only repeat the mistake in other words.
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
