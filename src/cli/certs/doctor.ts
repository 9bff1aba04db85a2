import { InvalidArgumentError } from 'commander'
import type { CheckContext, Finding, RunningState } from '../../certificates/doctor/check.ts'
import { createDirectory } from '../../certificates/doctor/directory.ts'
import { runChecks } from '../../certificates/doctor/doctor.ts'
import { createNames, type Names } from '../../certificates/doctor/names.ts'
import { readStatus } from '../../control/client/client.ts'
import type { Status } from '../../control/contract/contract.ts'
import type { CertificatePlan } from '../../plan/model/certificates.ts'
import type { Plan } from '../../plan/model/plan.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { oneLine } from '../../shared/one-line.ts'
import { configFile, takesConfigFile } from '../config-file.ts'
import { environment } from '../environment.ts'
import { type Paint, painter } from '../paint.ts'
import type { Terminal, Verb } from '../verb.ts'
import { planOrReport } from './certs-plan.ts'

const help = `
Checks everything that a certificate needs, from this machine: whether its names point here, the ports are open and served
by gatehouse, CAA records allow the CA, the CA can be reached and trusted, the clock is right, the storage is writable and
persistent, and which errors the running gatehouse has had. Changes nothing and requests no certificate.
  ✓ good   ! cannot be checked from here, or worth a look   ✗ wrong, with a hint below

  gatehouse certs doctor                       check every certificate of the file
  gatehouse certs doctor app.example.com       check one certificate
  gatehouse certs doctor --resolver 1.1.1.1    ask this DNS server, which sees what the internet sees

Exit codes:
  ${exitCodes.ok}   nothing is wrong
  ${exitCodes.unhealthy}   something is wrong, or the configuration has errors
  ${exitCodes.usage}   no certificate is configured for this name`

interface DoctorOptions {
  readonly config?: string
  readonly resolver?: Names
  readonly ports: CheckContext['ports']
}

export const addDoctorVerb: Verb = (certs, terminal, end) => {
  takesConfigFile(certs.command('doctor').argument('[name]', 'a name of one certificate'))
    .description('find out why there is no certificate: DNS, ports, CAA, the CA, clock, storage')
    .option(
      '--resolver <address>',
      'DNS server, `address` or `address:port` (default: the system resolvers)',
      readResolver,
    )
    .option('--ports <http,https>', 'public ports to which your CA connects', readPorts, { http: 80, https: 443 })
    .addHelpText('after', help)
    .action(async (first: string | undefined, second: string | undefined, options: DoctorOptions) => {
      // `doctor gatehouse.yaml` means the file, as with every other verb.
      const isFile = first !== undefined && second === undefined && /\.ya?ml$/.test(first)
      const [name, file] = isFile ? [undefined, first] : [first?.toLowerCase(), second]
      const plan = planOrReport(configFile(file, options.config), environment(), terminal)
      if (!plan) return end(exitCodes.configInvalid)
      const chosen = plan.certificates.filter(({ domains }) => name === undefined || domains.includes(name))
      if (chosen.length === 0 && name !== undefined) {
        const all = plan.certificates.flatMap(({ domains }) => domains).join(', ') || 'none'
        terminal.err(`gatehouse: no certificate for ${name}; configured names: ${all}\n`)
        return end(exitCodes.usage)
      }
      end(await checkAll(chosen, plan, options, terminal))
    })
}

async function checkAll(
  certificates: readonly CertificatePlan[],
  plan: Plan,
  { resolver = createNames(), ports }: DoctorOptions,
  terminal: Terminal,
): Promise<number> {
  const status = await readStatus(plan.control.socket).catch((error: unknown) => {
    if (error instanceof GatehouseError) return undefined
    throw error
  })
  if (certificates.length === 0) terminal.out('the configuration has no certificates\n')
  let wrong = 0
  for (const certificate of certificates) {
    const acme = certificate.use.find((source) => source.kind === 'acme')
    const running = status && runningOf(status, certificate)
    const findings = await runChecks({
      domains: certificate.domains,
      storage: plan.storage,
      isInternal: certificate.use.every(({ kind }) => kind === 'internal'),
      names: resolver,
      ports,
      ...(acme && { acme: { plan: acme, directory: createDirectory(acme) } }),
      ...(running && { running }),
    })
    wrong += findings.filter(({ verdict }) => verdict === 'bad').length
    const lines = findings.map((finding) => findingLines(finding, painter(terminal.colour)))
    terminal.out(`${certificate.domains.join(', ')}\n${lines.join('')}\n`)
  }
  if (wrong > 0) terminal.out(`${wrong === 1 ? 'one thing is' : `${wrong} things are`} wrong\n`)
  return wrong > 0 ? exitCodes.unhealthy : exitCodes.ok
}

/** Undefined for a certificate that the running Gatehouse does not have yet, because the file was changed. */
function runningOf({ certificates, listeners }: Status, { domains }: CertificatePlan): RunningState | undefined {
  const certificate = certificates.find(({ names }) => domains.some((name) => names.includes(name)))
  if (!certificate) return undefined
  const { fallback, renewal, notBefore, notAfter } = certificate
  const { failures = 0, lastError } = renewal ?? {}
  return {
    listeners: listeners.filter(({ tls }) => tls).map(({ address }) => address),
    fallback,
    ...(notBefore !== undefined && { notBefore: Date.parse(notBefore) }),
    notAfter: Date.parse(notAfter),
    failures,
    ...(lastError !== undefined && { lastError }),
  }
}

const marks = { good: ['✓', 'green'], unknown: ['!', 'yellow'], bad: ['✗', 'red'] } as const

function findingLines({ verdict, words, hint }: Finding, paint: Paint): string {
  const [mark, format] = marks[verdict]
  return `  ${paint(format, mark)} ${oneLine(words)}\n${hint === undefined ? '' : `      → ${hint}\n`}`
}

function readResolver(written: string): Names {
  try {
    return createNames(written)
  } catch (error) {
    throw new InvalidArgumentError(`write \`address\` or \`address:port\` (${messageOf(error)}).`)
  }
}

function readPorts(written: string): CheckContext['ports'] {
  const [, http, https] = /^(\d{1,5}),(\d{1,5})$/.exec(written) ?? []
  const ports = { http: Number(http), https: Number(https) }
  const isPort = (port: number) => port >= 1 && port <= 65_535
  if (isPort(ports.http) && isPort(ports.https)) return ports
  throw new InvalidArgumentError('write two ports, such as `8080,8443`.')
}
