import { X509Certificate } from 'node:crypto'
import type { Path } from '../../config/yaml/located.ts'
import { lifeOfLeaf, validityProblem } from '../../shared/certificate-validity.ts'
import { absolute, type Check, type PlanContext, valuePosition, writtenName } from '../resolve/plan-context.ts'

/**
 * Certificates, served or trusted, that are not valid now. Warnings: another source serves, and a clock may be wrong.
 * What cannot be read or parsed is reported where it is used.
 */
export const certificateValidity: Check = (context, report) => {
  for (const { file, path } of certificateFilesOf(context)) {
    const problem = problemIn(context, absolute(context, file))
    if (problem === undefined) continue
    const message = `the certificate in ${writtenName(context, path)} ${problem}`
    report({
      severity: 'warning',
      code: 'wrong-value',
      at: valuePosition(context, path),
      message,
      hint: 'renew it, or correct the clock',
    })
  }
}

function* certificateFilesOf({
  config,
  listeners,
}: PlanContext): Generator<{ readonly file: string; readonly path: Path }> {
  for (const [index, { use }] of config.certificates.entries())
    for (const [position, { files }] of use.entries())
      if (files)
        yield { file: files.certificate, path: ['certificates', index, 'use', position, 'files', 'certificate'] }
  for (const { clientCertificates, path } of listeners)
    if (clientCertificates) yield { file: clientCertificates.ca, path: [...path, 'clientCertificates', 'ca'] }
  for (const [name, { tls }] of Object.entries(config.upstreams))
    if (tls?.ca !== undefined) yield { file: tls.ca, path: ['upstreams', name, 'tls', 'ca'] }
  const { ca } = config.gateway.rateLimitStore ?? {}
  if (ca !== undefined) yield { file: ca, path: ['gateway', 'rateLimitStore', 'ca'] }
}

/**
 * Checks the first certificate, the leaf of a chain (of several CAs the others may serve), and the intermediate that
 * signed it, without which no client reaches a root. Those further up may be one of several paths, such as an expired
 * cross-signature.
 */
function problemIn({ facts }: PlanContext, file: string): string | undefined {
  if (facts.kindOf(file) !== 'file') return undefined
  try {
    const [first, second] = firstTwo(facts.read(file))
    if (!first) return undefined
    const own = validityProblem(lifeOfLeaf(first))
    if (own !== undefined || !second || !first.checkIssued(second)) return own
    const above = validityProblem(lifeOfLeaf(second))
    return above && `was signed by an intermediate in the same file that ${above}`
  } catch {
    return undefined
  }
}

function firstTwo(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.slice(0, 2).map((block) => new X509Certificate(block))
}
