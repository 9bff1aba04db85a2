import { type Check, isWhole, keyAt, valueAt } from '../../resolve/plan-context.ts'

/** Without TLS there is no handshake to show a certificate in, and browsers ignore HSTS over plain HTTP (RFC 6797 §8.1). */
export const optionsOfTls: Check = (asked, report) => {
  for (const { tls, path, ...listener } of asked.listeners) {
    for (const option of ['hsts', 'clientCertificates'] as const) {
      if (tls || listener[option] === undefined || !isWhole(asked, [...path, 'tls'])) continue
      report({
        code: 'contradiction',
        at: keyAt(asked, [...path, option]),
        message: `\`${option}\` stands in a listener without TLS`,
        mend: 'add `tls: true`, or remove it',
      })
    }
  }
}

/** A TLS listener without any certificate could answer nobody. */
export const certificatesForTls: Check = (asked, report) => {
  if (asked.config.certificates.length > 0 || !isWhole(asked, ['certificates'])) return
  for (const { name, tls, path } of asked.listeners) {
    if (!tls) continue
    report({
      code: 'certificate-needed',
      at: valueAt(asked, [...path, 'tls']),
      message: `listener \`${name}\` wants TLS, but there is no certificate`,
      mend: 'add one: `certificates: [{ domains: [example.com], use: [{ internal: {} }] }]`',
    })
  }
}
