import { type Check, isWhole, valueAt } from '../asked.ts'

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
