import { InvalidArgumentError } from 'commander'
import { readStatus } from '../../control/client/client.ts'
import { type Health, healthOf } from '../../control/health.ts'
import { GatehouseError, messageOf } from '../../shared/errors.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { type Milliseconds, parseDuration } from '../../shared/time/duration.ts'
import { type SocketOptions, socketOf, takesSocket } from '../control-socket.ts'
import type { Verb } from '../verb.ts'

const help = `
Gatehouse is healthy if its gateway serves and its processes are ready. A \`rebuildable\` process that is down, a process
stopped by request, and a certificate that has expired or cannot be renewed are only warnings.

  HEALTHCHECK --interval=10s --timeout=5s --start-period=300s CMD ["gatehouse", "healthcheck"]

In Kubernetes, as exec probes:
  readinessProbe: { exec: { command: [gatehouse, healthcheck] }, periodSeconds: 10, timeoutSeconds: 5 }
  livenessProbe: { exec: { command: [gatehouse, healthcheck, --live] }, periodSeconds: 10, timeoutSeconds: 5 }

Exit codes:
  ${exitCodes.ok}   healthy
  ${exitCodes.unhealthy}   unhealthy, starting, stopping or not running; one line says which and why`

interface HealthcheckOptions extends SocketOptions {
  readonly live?: boolean
  readonly timeout: Milliseconds
}

export const healthcheckVerb: Verb = (program, terminal, end) => {
  takesSocket(program.command('healthcheck'))
    .description('print the health in one line; for HEALTHCHECK of Docker and exec probes of Kubernetes')
    .option('--live', 'only check that gatehouse itself runs and answers, whatever the state of its processes')
    .option('-t, --timeout <duration>', 'maximum wait for the answer', readTimeout, 3_000)
    .addHelpText('after', help)
    .action(async (argument: string | undefined, options: HealthcheckOptions) => {
      const health = await readHealth(() => socketOf(argument, options), options)
      const [line, healthy] = typeof health === 'string' ? [health, false] : [sentence(health), isHealthy(health)]
      terminal.out(`${line}\n`)
      end(healthy ? exitCodes.ok : exitCodes.unhealthy)
    })
}

function isHealthy({ verdict }: Health): boolean {
  return verdict === 'healthy'
}

/** A string says why it did not answer. That counts as unhealthy: orchestrators know no third answer. */
async function readHealth(
  find: () => Promise<string>,
  { live, timeout }: HealthcheckOptions,
): Promise<Health | string> {
  try {
    const status = await readStatus(await find(), timeout)
    if (live) return { verdict: 'healthy', reasons: [`gatehouse is running, pid ${status.pid}`], warnings: [] }
    return healthOf(status, Date.now())
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error
    return `${error.code === 'still-starting' ? 'starting' : 'unhealthy'}: ${messageOf(error)}`
  }
}

function sentence({ verdict, reasons, warnings }: Health): string {
  const said = reasons.length > 0 ? `${verdict}: ${reasons.join('; ')}` : verdict
  return warnings.length > 0 ? `${said} (warning: ${warnings.join('; ')})` : said
}

function readTimeout(written: string): Milliseconds {
  const timeout = parseDuration(written)
  if (timeout === undefined || timeout === 0)
    throw new InvalidArgumentError('write a duration such as `500ms` or `3s`.')
  return timeout
}
