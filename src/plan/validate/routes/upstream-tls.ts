import { usesTls } from '../../../shared/net/origin-scheme.ts'
import { type Check, isIntact, keyPosition } from '../../resolve/plan-context.ts'

/** `tls` that no target uses: harmless, but probably a target was meant to use TLS. */
export const upstreamTls: Check = (context, report) => {
  for (const [name, { targets, tls }] of Object.entries(context.config.upstreams)) {
    if (!tls || targets.some(usesTls)) continue
    if (!isIntact(context, ['upstreams', name, 'targets'])) continue
    report({
      severity: 'warning',
      code: 'contradiction',
      at: keyPosition(context, ['upstreams', name, 'tls']),
      message: '`tls` has no effect: no target uses TLS',
      hint: 'write them with `https://` (or `h2://`), or remove it',
    })
  }
}
