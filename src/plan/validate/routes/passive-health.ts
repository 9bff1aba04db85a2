import { type Check, isIntact, keyPosition } from '../../resolve/plan-context.ts'

/** `passiveHealth` of an upstream that has one target: the last one is never ejected. */
export const passiveHealth: Check = (context, report) => {
  for (const [name, { targets, passiveHealth }] of Object.entries(context.config.upstreams)) {
    if (passiveHealth === undefined || targets.length > 1) continue
    if (!isIntact(context, ['upstreams', name, 'targets'])) continue
    report({
      severity: 'warning',
      code: 'contradiction',
      at: keyPosition(context, ['upstreams', name, 'passiveHealth']),
      message: '`passiveHealth` has no effect with one target: the last one is never ejected',
      hint: 'add another target, or remove it',
    })
  }
}
