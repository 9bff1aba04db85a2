import { type Check, keyPosition, wasLost } from '../../resolve/plan-context.ts'

/** Liveness probes are for services: a task has a result and may be silent until then. */
export const aliveTasks: Check = (context, report) => {
  for (const [name, { kind, alive }] of Object.entries(context.config.processes)) {
    const own = ['processes', name]
    if (kind !== 'task' || !alive || wasLost(context, [...own, 'kind'])) continue
    report({
      code: 'contradiction',
      at: keyPosition(context, [...own, 'alive']),
      message: `\`${name}\` is a task, and only services have a liveness probe`,
      hint: 'remove `alive`, or make it a service: `kind: service`',
    })
  }
}
