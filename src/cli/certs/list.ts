import { isNotYetValid } from '../../control/certificate-warnings.ts'
import { readStatus } from '../../control/client/client.ts'
import type { CertificateStatus } from '../../control/contract/certificates.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { oneLine } from '../../shared/one-line.ts'
import { formatDuration } from '../../shared/time/duration.ts'
import { type SocketOptions, socketOf, takesSocket } from '../control-socket.ts'
import type { Verb } from '../verb.ts'
import { renewalWords } from './certificate-lines.ts'

export const addListVerb: Verb = (certs, terminal, end) => {
  takesSocket(certs.command('list'))
    .description('list the certificates of the running gatehouse: issuer, expiry, next renewal, last error')
    .option('--json', 'print JSON')
    .action(async (file: string | undefined, options: SocketOptions & { readonly json?: boolean }) => {
      const { certificates } = await readStatus(await socketOf(file, options))
      if (options.json) terminal.out(`${JSON.stringify(certificates, null, 2)}\n`)
      else terminal.out(`${renderCertificates(certificates, Date.now()).join('\n')}\n`)
      end(exitCodes.ok)
    })
}

/** An aligned line for each certificate. `now`: Unix time in milliseconds. */
export function renderCertificates(certificates: readonly CertificateStatus[], now: number): string[] {
  if (certificates.length === 0) return ['no certificates']
  const rows = [
    ['NAME', 'ISSUER', 'NOT AFTER', 'NEXT RENEWAL', 'LAST ERROR'],
    ...certificates.map((one) => [
      one.names.join(', '),
      `${one.issuer} (${one.fallback ? 'fallback' : one.source})`,
      expiryWords(one, now),
      renewalWords(one, now) || '-',
      oneLine(lastErrorOf(one)) || '-',
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

function expiryWords({ notBefore, notAfter }: CertificateStatus, now: number): string {
  const left = Date.parse(notAfter) - now
  const day = notAfter.replace(/:\d\d\.\d+Z$/, 'Z')
  if (isNotYetValid(notBefore, now)) return `${day} (not valid before ${notBefore})`
  return left > 0 ? `${day} (${formatDuration(left)})` : `${day} (expired)`
}

/** Of the last attempt, or of a preferred source that cannot serve. */
function lastErrorOf({ renewal, skipped }: CertificateStatus): string {
  const [first] = skipped
  return renewal?.lastError ?? (first ? `${first.source}: ${first.error}` : '')
}
