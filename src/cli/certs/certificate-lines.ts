import { isNotYetValid } from '../../control/certificate-warnings.ts'
import type { CertificateStatus } from '../../control/contract/certificates.ts'
import { oneLine } from '../../shared/one-line.ts'
import { formatDuration, type Milliseconds } from '../../shared/time/duration.ts'
import type { Paint } from '../paint.ts'

/** A certificate of the status table: what serves, when it is renewed, and what is wrong, with a hint. */
export function certificateLines(certificate: CertificateStatus, paint: Paint): string {
  const { names, source, issuer, notBefore, notAfter, skipped, fallback, renewal } = certificate
  const left = Date.parse(notAfter) - Date.now()
  const until = isNotYetValid(notBefore, Date.now())
    ? paint('red', `not valid before ${notBefore}`)
    : left > 0
      ? `until ${notAfter} (${formatDuration(left)})`
      : paint('red', `expired on ${notAfter}`)
  const next = renewalWords(certificate, Date.now())
  const facts = `certificate ${names.join(', ')}  from ${source}, by ${issuer}, ${until}${next === '' ? '' : `, ${next}`}`
  const notes = skipped.map(({ source: kind, error }) => paint('yellow', `not from ${kind}: ${oneLine(error)}`))
  if (renewal?.lastError !== undefined) notes.push(paint(fallback ? 'red' : 'yellow', failureWords(renewal)))
  if (fallback) notes.push(paint(['red', 'bold'], fallbackWords(names)))
  return [facts, ...notes].join('\n  ')
}

/** When the next renewal is; empty for a certificate that no ACME server renews. */
export function renewalWords({ renewal }: CertificateStatus, now: number): string {
  if (!renewal) return ''
  const { underWay, nextAttempt, due, advised } = renewal
  if (underWay) return 'being renewed'
  if (nextAttempt !== undefined) return `next attempt ${inTime(nextAttempt - now)}`
  if (due === undefined) return ''
  return `renewal ${inTime(due - now)}${advised ? ', as its CA advises' : ''}`
}

function inTime(left: Milliseconds): string {
  return left > 0 ? `in ${formatDuration(left)}` : 'due now'
}

function failureWords({ failures, lastError = '' }: NonNullable<CertificateStatus['renewal']>): string {
  return `${failures === 1 ? 'the last attempt' : `the last ${failures} attempts`} failed: ${oneLine(lastError)}`
}

function fallbackWords(names: readonly string[]): string {
  return `the internal CA serves meanwhile, which browsers warn about: run \`gatehouse certs doctor ${names[0]}\``
}
