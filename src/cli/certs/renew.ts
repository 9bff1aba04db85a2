import { renewCertificate } from '../../control/client/renew.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { oneLine } from '../../shared/one-line.ts'
import { type SocketOptions, socketOf, takesSocket } from '../control-socket.ts'
import type { Verb } from '../verb.ts'

const help = `
Renewal needs nobody: a certificate is renewed in good time by itself. This is for a key that has leaked (then with
--revoke), for a change of issuer, or to see at once whether a mend has helped. It waits for the CA, which may take
minutes; Ctrl-C ends the waiting, not the renewal. CAs allow only a few certificates a week for the same names.

  gatehouse certs renew app.example.com
  gatehouse certs renew app.example.com --revoke    and revoke the one before, once the new one is there

Exit codes:
  ${exitCodes.ok}   there is a new certificate, and it serves
  ${exitCodes.usage}   there is no certificate for this name
  ${exitCodes.cannotStart}   there is no new one: the CA refused or cannot be reached, or the certificate has no ACME server; one line says why
  ${exitCodes.notRunning}   no gatehouse is running`

export const addRenewVerb: Verb = (certs, terminal, end) => {
  takesSocket(certs.command('renew').argument('<name>', 'a name of the certificate'))
    .description('get a new certificate from its ACME server now, and wait for it')
    .option('--revoke', 'revoke the one before then')
    .addHelpText('after', help)
    .action(async (name: string, file: string | undefined, options: SocketOptions & { readonly revoke?: boolean }) => {
      const socket = await socketOf(file, options)
      terminal.err(`asking for a new certificate for ${name}; this may take minutes\n`)
      const answer = await renewCertificate(socket, { name, revoke: options.revoke === true })
      if ('refused' in answer) {
        terminal.err(`gatehouse: ${oneLine(answer.message)}\n`)
        return end(answer.refused === 'unknown-certificate' ? exitCodes.usage : exitCodes.cannotStart)
      }
      terminal.out(`${answer.names.join(', ')}: renewed, by ${answer.issuer}, until ${answer.notAfter}\n`)
      end(exitCodes.ok)
    })
}
