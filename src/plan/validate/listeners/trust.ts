import { type Check, valuePosition } from '../../resolve/plan-context.ts'

/** With every address trusted, clients choose their address: in the log, for rate limits, for `allow` and `deny`. */
export const trust: Check = (context, report) => {
  const all = context.config.gateway.trustedProxies.flat().filter((range) => range.endsWith('/0'))
  if (all.length === 0) return
  report({
    severity: 'warning',
    code: 'everyone-trusted',
    at: valuePosition(context, ['gateway', 'trustedProxies']),
    message: 'every address is trusted as a proxy, so any client can claim any address',
    hint: 'name the addresses of your proxies, `private` or `loopback`',
  })
}
