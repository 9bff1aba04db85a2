import { renewCertificate } from '../../control/client/renew.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { oneLine } from '../../shared/one-line.ts'
import { type SocketOptions, socketOf, takesSocket } from '../control-socket.ts'
import type { Verb } from '../verb.ts'

const help = `
Certificates are renewed automatically. Use this if a key has leaked (with --revoke), if the issuer changes, or to see at
once whether a fix has helped. It waits for the CA, which may take minutes; Ctrl-C stops the waiting, not the renewal. CAs
issue only a few certificates a week for the same names.

  gatehouse certs renew app.example.com
  gatehouse certs renew app.example.com --revoke    then revoke the old certificate

Exit codes:
  ${exitCodes.ok}   the new certificate is in use
  ${exitCodes.usage}   there is no certificate for this name
  ${exitCodes.cannotStart}   no new certificate: the CA refused or cannot be reached, or there is no ACME source; one line says why
  ${exitCodes.notRunning}   gatehouse is not running`

export const addRenewVerb: Verb = (certs, terminal, end) => {
  takesSocket(certs.command('renew').argument('<name>', 'a name of the certificate'))
    .description('get a new certificate from its ACME server now, and wait for it')
    .option('--revoke', 'then revoke the old certificate')
    .addHelpText('after', help)
    .action(async (name: string, file: string | undefined, options: SocketOptions & { readonly revoke?: boolean }) => {
      const socket = await socketOf(file, options)
      terminal.err(`requesting a new certificate for ${name}; this may take minutes\n`)
      const answer = await renewCertificate(socket, { name, revoke: options.revoke === true })
      if ('refused' in answer) {
        terminal.err(`gatehouse: ${oneLine(answer.message)}\n`)
        return end(answer.refused === 'unknown-certificate' ? exitCodes.usage : exitCodes.cannotStart)
      }
      terminal.out(`${answer.names.join(', ')}: renewed by ${answer.issuer}, valid until ${answer.notAfter}\n`)
      end(exitCodes.ok)
    })
}
