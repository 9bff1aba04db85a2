import { type Check, isIntact, valuePosition } from '../../resolve/plan-context.ts'

/** PROXY headers are accepted from trusted peers only: without any, such a listener would refuse every connection. */
export const proxyProtocol: Check = (context, report) => {
  const { trustedProxies } = context.config.gateway
  if (trustedProxies.flat().length > 0 || !isIntact(context, ['gateway', 'trustedProxies'])) return
  for (const { proxyProtocol: version, path } of context.listeners) {
    if (version === undefined) continue
    report({
      code: 'contradiction',
      at: valuePosition(context, [...path, 'proxyProtocol']),
      message: 'this listener would refuse every connection: it expects a PROXY header, but no proxy is trusted',
      hint: 'list the proxies in front of it in `gateway.trustedProxies`',
    })
  }
}
