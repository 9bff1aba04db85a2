import { type Check, isIntact, keyPosition, valuePosition } from '../../resolve/plan-context.ts'

/** Without TLS clients cannot send a certificate, and browsers ignore HSTS over plain HTTP (RFC 6797 §8.1). */
export const optionsOfTls: Check = (context, report) => {
  for (const { tls, path, ...listener } of context.listeners) {
    for (const option of ['hsts', 'clientCertificates'] as const) {
      if (tls || listener[option] === undefined || !isIntact(context, [...path, 'tls'])) continue
      report({
        code: 'contradiction',
        at: keyPosition(context, [...path, option]),
        message: `\`${option}\` has no effect on a listener without TLS`,
        hint: 'add `tls: true`, or remove it',
      })
    }
  }
}

/** A TLS listener without a certificate would fail every handshake. */
export const certificatesForTls: Check = (context, report) => {
  if (context.config.certificates.length > 0 || !isIntact(context, ['certificates'])) return
  for (const { name, tls, path } of context.listeners) {
    if (!tls) continue
    report({
      code: 'certificate-needed',
      at: valuePosition(context, [...path, 'tls']),
      message: `listener \`${name}\` uses TLS, but there is no certificate`,
      hint: 'add one: `certificates: [{ domains: [example.com], use: [{ internal: {} }] }]`',
    })
  }
}
