import { type Check, isWhole, valueAt } from '../../resolve/plan-context.ts'

/** A PROXY header is believed from trusted peers only: without any, such a listener would serve nobody. */
export const proxyProtocol: Check = (asked, report) => {
  const { trustedProxies } = asked.config.gateway
  if (trustedProxies.flat().length > 0 || !isWhole(asked, ['gateway', 'trustedProxies'])) return
  for (const { proxyProtocol: version, path } of asked.listeners) {
    if (version === undefined) continue
    report({
      code: 'contradiction',
      at: valueAt(asked, [...path, 'proxyProtocol']),
      message: 'this listener believes no PROXY header, and so would serve nobody: no proxy is trusted',
      mend: 'name the proxies in front of it in `gateway.trustedProxies`',
    })
  }
}
