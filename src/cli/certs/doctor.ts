import { InvalidArgumentError } from 'commander'
import type { Finding, Patient, Running } from '../../certificates/doctor/check.ts'
import { createDirectory } from '../../certificates/doctor/directory.ts'
import { examine } from '../../certificates/doctor/doctor.ts'
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
Looks at all that a certificate needs, from where it runs: do the names lead here, are the ports open and is it us, do CAA
records allow the CA, can it be reached and trusted, does the clock agree, can the storage be written and does it last,
and what the running gatehouse has met with. Changes nothing and asks for no certificate.
  ✓ well   ! cannot be told from here, or worth a thought   ✗ wrong, with the mend below it

  gatehouse certs doctor                       every certificate of the file
  gatehouse certs doctor app.example.com       one
  gatehouse certs doctor --resolver 1.1.1.1    ask this DNS server, as somebody from outside would

Exit codes:
  ${exitCodes.ok}   nothing is wrong
  ${exitCodes.unhealthy}   something is, or the configuration has errors
  ${exitCodes.usage}   there is no certificate for this name`

interface DoctorOptions {
  readonly config?: string
  readonly resolver?: Names
  readonly ports: Patient['ports']
}

export const addDoctorVerb: Verb = (certs, terminal, end) => {
  takesConfigFile(certs.command('doctor').argument('[name]', 'a name of one certificate'))
    .description('find out why there is no certificate: DNS, ports, CAA, the CA, clock, storage')
    .option(
      '--resolver <address>',
      'DNS server, `address` or `address:port` (default: those of the system)',
      readResolver,
    )
    .option('--ports <http,https>', 'ports of the names by which your CA comes in', readPorts, { http: 80, https: 443 })
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
        terminal.err(`gatehouse: there is no certificate for ${name}; there are ${all}\n`)
        return end(exitCodes.usage)
      }
      end(await examineAll(chosen, plan, options, terminal))
    })
}

async function examineAll(
  certificates: readonly CertificatePlan[],
  plan: Plan,
  { resolver = createNames(), ports }: DoctorOptions,
  terminal: Terminal,
): Promise<number> {
  const status = await readStatus(plan.control.socket).catch((error: unknown) => {
    if (error instanceof GatehouseError) return undefined
    throw error
  })
  if (certificates.length === 0) terminal.out('the configuration asks for no certificates\n')
  let wrong = 0
  for (const certificate of certificates) {
    const acme = certificate.use.find((source) => source.kind === 'acme')
    const running = status && runningOf(status, certificate)
    const findings = await examine({
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

/** Of a certificate that the running one does not have yet, because the file was changed, it can say nothing. */
function runningOf({ certificates, listeners }: Status, { domains }: CertificatePlan): Running | undefined {
  const told = certificates.find(({ names }) => domains.some((name) => names.includes(name)))
  if (!told) return undefined
  const { stopgap, renewal } = told
  const doors = listeners.filter(({ tls }) => tls).map(({ address }) => address)
  const { failures = 0, lastError } = renewal ?? {}
  return { doors, stopgap, failures, ...(lastError !== undefined && { lastError }) }
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

function readPorts(written: string): Patient['ports'] {
  const [, http, https] = /^(\d{1,5}),(\d{1,5})$/.exec(written) ?? []
  const ports = { http: Number(http), https: Number(https) }
  const isPort = (port: number) => port >= 1 && port <= 65_535
  if (isPort(ports.http) && isPort(ports.https)) return ports
  throw new InvalidArgumentError('write two ports, such as `8080,8443`.')
}
