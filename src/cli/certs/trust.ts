import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf, GatehouseError, messageOf } from '../../shared/errors.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { configFile, takesConfigFile } from '../config-file.ts'
import { environment } from '../environment.ts'
import type { Verb } from '../verb.ts'
import { planOrReport } from './certs-plan.ts'

const help = `
Clients do not trust the internal CA until its root certificate is installed there. Reads it from the configured storage;
gatehouse need not be running. The root certificate is public: the private key is never shown.

  gatehouse certs trust                                        show its path, its fingerprint, and the commands
  ssh server gatehouse certs trust --pem > gatehouse-ca.crt    copy it to another machine

Exit codes:
  ${exitCodes.ok}   success
  ${exitCodes.cannotStart}   this storage has no internal CA yet, or it cannot be read`

export const addTrustVerb: Verb = (certs, terminal, end) => {
  takesConfigFile(certs.command('trust'))
    .description('show how to trust the internal CA: its root, the fingerprint, the commands for each system')
    .option('--pem', 'print only the root certificate')
    .addHelpText('after', help)
    .action((argument: string | undefined, options: { readonly config?: string; readonly pem?: boolean }) => {
      const plan = planOrReport(configFile(argument, options.config), environment(), terminal)
      if (!plan) return end(exitCodes.configInvalid)
      const path = join(plan.storage, 'internal', 'root.crt')
      const root = readRoot(path)
      terminal.out(options.pem ? root.toString() : trustLines(path, root).join('\n'))
      end(exitCodes.ok)
    })
}

/** Throws `certificate-unusable`. */
function readRoot(path: string): X509Certificate {
  let pem: string
  try {
    pem = readFileSync(path, 'utf8')
  } catch (error) {
    const code = codeOf(error)
    const hint =
      code === 'ENOENT'
        ? 'the internal CA creates it when it first issues a certificate; is this the storage of the running gatehouse?'
        : 'run this as root or as the user that runs gatehouse'
    throw new GatehouseError('certificate-unusable', `cannot read ${path} (${code}): ${hint}`, { cause: error })
  }
  try {
    return new X509Certificate(pem)
  } catch (error) {
    const reason = messageOf(error)
    throw new GatehouseError('certificate-unusable', `${path} is not a certificate: ${reason}`, { cause: error })
  }
}

/** The commands for each system. */
function trustLines(path: string, root: X509Certificate): string[] {
  const name = /^CN=(.+)$/m.exec(root.subject)?.[1] ?? 'Gatehouse internal CA'
  const file = shellWord(path)
  const ways: readonly (readonly [string, ...string[]])[] = [
    ['Debian, Ubuntu, Alpine', `cp ${file} /usr/local/share/ca-certificates/gatehouse.crt`, 'update-ca-certificates'],
    ['RHEL, Fedora, Amazon Linux', `cp ${file} /etc/pki/ca-trust/source/anchors/gatehouse.crt`, 'update-ca-trust'],
    ['macOS', `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}`],
    [
      'Chrome on Linux (NSS; certutil is in libnss3-tools)',
      `certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n ${shellWord(name)} -i ${file}`,
    ],
    ['Firefox (NSS; for each profile)', `certutil -d "sql:$PROFILE" -A -t C,, -n ${shellWord(name)} -i ${file}`],
    ['Java', `keytool -importcert -cacerts -storepass changeit -noprompt -alias gatehouse -file ${file}`],
    ['Node', `export NODE_EXTRA_CA_CERTS=${file}`],
    ['curl, once', `curl --cacert ${file} https://...`],
  ]
  return [
    name,
    `  certificate   ${path}`,
    `  SHA-256       ${root.fingerprint256}`,
    `  until         ${root.validToDate.toISOString()}`,
    '',
    'Copy it to the client (`gatehouse certs trust --pem` prints it), compare the fingerprint, and run there:',
    ...ways.flatMap(([system, ...commands]) => ['', `${system}:`, ...commands.map((command) => `  ${command}`)]),
    '',
  ]
}

/** Quoted, if a POSIX shell would not take it as one word. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
