import { type Check, isIntact, keyPosition } from '../../resolve/plan-context.ts'

/** `tls` that no target uses: harmless, but probably a target was meant to be `https`. */
export const upstreamTls: Check = (context, report) => {
  for (const [name, { targets, tls }] of Object.entries(context.config.upstreams)) {
    if (!tls || targets.some((target) => target.startsWith('https:'))) continue
    if (!isIntact(context, ['upstreams', name, 'targets'])) continue
    report({
      severity: 'warning',
      code: 'contradiction',
      at: keyPosition(context, ['upstreams', name, 'tls']),
      message: '`tls` has no effect: all targets are `http`',
      hint: 'write them with `https://`, or remove it',
    })
  }
}
