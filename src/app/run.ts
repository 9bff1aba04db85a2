/** The composition root: all parts are created and wired here, started in order and stopped in reverse. */

import { isatty } from 'node:tty'
import { warnIfEphemeral } from '../certificates/ephemeral.ts'
import { createCertificates } from '../certificates/maintain.ts'
import { writeTrustStores } from '../certificates/trust-store/write.ts'
import { openControl } from '../control/server.ts'
import { createRateLimitMemory } from '../gateway/guards/rate-limit/table.ts'
import { createHealthChecks } from '../health/health-checks.ts'
import type { Plan } from '../plan/model/plan.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'
import { exitCodes } from '../shared/exit-codes.ts'
import { holdReserve } from '../shared/system/descriptors.ts'
import { setInterval } from '../shared/time/timer.ts'
import { runDnsHook } from '../supervisor/hooks/dns-hook.ts'
import { Hooks } from '../supervisor/hooks/hooks.ts'
import { GroupLedger } from '../supervisor/leftovers/ledger.ts'
import { raiseOpenFiles } from '../supervisor/rights/open-files.ts'
import { succeeds } from '../supervisor/spawn/spawn.ts'
import { createSupervisor } from '../supervisor/supervisor.ts'
import type { LogFiles } from '../telemetry/log-files/log-files.ts'
import { createLogger, type Logger } from '../telemetry/logger.ts'
import { standardStream } from '../telemetry/standard-streams.ts'
import { allReady, announceListeners, announceStart, urlOf } from './announce.ts'
import type { App } from './app.ts'
import { createPresenter } from './challenge-presenter.ts'
import { GeneratedPasswords } from './generated-passwords.ts'
import { closeInherited } from './inherited-descriptors.ts'
import { openLogFiles, outputTo } from './log-files.ts'
import { TransitionCounts } from './metrics/transition-counts.ts'
import { createReloader, previewReload } from './reload/reload.ts'
import { renewNow } from './renew-now.ts'
import { shutdown } from './shutdown.ts'
import { createShutdownTrigger, type ShutdownCause } from './shutdown-trigger.ts'
import { listenForSignals } from './signals.ts'
import { faultsOf, reserveResources } from './startup/reserve-resources.ts'
import { statusOf } from './status.ts'
import { targetStates } from './target-states.ts'
import { watchMemory } from './workers/memory-watch.ts'
import { createGatewayWorkers } from './workers/workers.ts'

/** Runs the plan until a signal or a failure ends it; resolves with the exit code. */
export async function run(plan: Plan, env: Readonly<Record<string, string>>): Promise<number> {
  closeInherited()
  const fewFiles = raiseOpenFiles(succeeds)
  holdReserve()
  const terminal = isatty(1)
  const logger = createLogger({ ...plan.log, terminal })
  const log = logger.named('gatehouse')
  const files = openLogFiles(plan.log, logger)
  const signals = listenForSignals()
  const shutdownTrigger = createShutdownTrigger(signals, log)
  const reopening = files ? 'reopening log files' : 'no log files to reopen: `log.directory` is not set'
  signals.onReopen(() => log.info(reopening))
  signals.onSuspend(() =>
    log.warn('ignoring SIGTSTP (Ctrl-Z): a suspended gatehouse cannot supervise; press Ctrl-C to stop'),
  )
  announceStart(log, plan)
  if (fewFiles) log.warn(fewFiles)
  try {
    const app = await open(plan, env, { logger, files, terminal })
    const reloader = createReloader(app, env)
    shutdownTrigger.onReached(() => {
      reloader.close()
      app.supervisor.beginNothing()
    })
    if (!shutdownTrigger.begun) start(app, shutdownTrigger.end)
    signals.onReload(reloader.request)
    const { code, reason } = await shutdownTrigger.reached
    // A second Ctrl-C is an impatient person; a second SIGTERM is only an orchestrator that repeats itself.
    signals.onStop((signal) => {
      if (signal === 'SIGINT') void app.supervisor.stop({ budget: 0 })
    })
    await shutdown(app, reason)
    return code
  } catch (error) {
    const faults = faultsOf(error)
    for (const one of faults) log.error(messageOf(one), { code: one instanceof GatehouseError ? one.code : 'internal' })
    return faults.every((one) => one instanceof GatehouseError) ? exitCodes.cannotStart : exitCodes.internal
  } finally {
    await files?.close()
    await logger.flush()
  }
}

/** Where the log and the output of programs go. */
interface Output {
  readonly logger: Logger
  readonly files: LogFiles | undefined
  readonly terminal: boolean
}

/** Creates the parts and opens the ports; starts no process yet. If a part fails it rejects, with nothing left open. */
async function open(
  plan: Plan,
  env: Readonly<Record<string, string>>,
  { logger, files, terminal }: Output,
): Promise<App> {
  const log = logger.named('gatehouse')
  const output = outputTo(logger, files)
  const setup = {
    log: plan.log,
    terminal,
    stdout: standardStream('stdout').descriptor,
    metrics: plan.metrics !== undefined,
    rateLimits: createRateLimitMemory(),
  }
  const workers = createGatewayWorkers({ setup, log })
  workers.prepare(plan.gateway)
  const certificates = createCertificates({
    plans: plan.certificates,
    storage: plan.storage,
    presenter: createPresenter(() => workers, plan.storage),
    runDnsHook: (hook, words) => runDnsHook(hook, words, output),
    log,
  })
  await warnIfEphemeral(plan.certificates, plan.storage, log)
  const { socket, served, listeners, opened } = await reserveResources(plan, certificates, log)
  await writeTrustStores(plan.trustStores, { internalRoot: certificates.internalRoot, log })
  const supervisor = createSupervisor({
    processes: plan.processes,
    output,
    log,
    ledger: new GroupLedger(plan.control.socket, log),
    drain: (port, budget) => workers.drainTarget(`127.0.0.1:${port}`, budget),
  })
  const passwords = new GeneratedPasswords(logger.print)
  const transitions = new TransitionCounts()
  supervisor.subscribe((event) => transitions.count(event))
  const source = {
    measure: workers.measure,
    limitsAreShared: () => workers.rateLimitStores.counting,
    processes: () => supervisor.status(),
    certificates: certificates.describe,
    transitions,
  }
  const health = createHealthChecks(logger.named('gateway'), () => updateTargets(app))
  // All that the control socket needs to answer.
  const app: Omit<App, 'control'> = {
    plan,
    starting: true,
    stopping: false,
    listeners,
    log,
    files,
    supervisor,
    hooks: new Hooks({ output, log }),
    certificates,
    workers,
    passwords,
    health,
  }
  const control = await openControl({
    socket,
    source: {
      status: () => statusOf(app),
      events: supervisor,
      previewReload: () => previewReload(app, env),
      run: (name) => supervisor.run(name),
      renew: (name, options) => renewNow(certificates, name, options),
    },
  })
  try {
    if (plan.metrics) {
      const { openMetricsServer } = await import('./metrics/metrics-server.ts')
      app.metrics = await openMetricsServer(plan.metrics, source, log)
    }
    updateTargets(app)
    const users = passwords.complete(plan.gateway.users)
    await workers.apply({ plan: { ...plan.gateway, listeners, users }, certificates: served })
  } catch (error) {
    app.metrics?.close()
    await control.close()
    throw error
  } finally {
    opened()
  }
  return Object.assign(app, { control })
}

/** Sends the states of what is behind routes to the gateway: processes, and checked targets of upstreams. */
function updateTargets({ workers, supervisor, health }: Omit<App, 'control'>): void {
  workers.setTargets({ ...targetStates(supervisor.status()), ...health.states() })
}

/** Wires the parts to one another and starts the processes. */
function start(app: App, end: (cause: ShutdownCause) => void): void {
  const { plan, log, supervisor, hooks, certificates, workers, health } = app
  let loggedReady = false
  const processesChanged = () => {
    const processes = supervisor.status()
    updateTargets(app)
    if (loggedReady || !allReady(processes)) return
    loggedReady = true
    log.info('ready', { url: app.listeners.map(urlOf).join(' ') })
  }
  hooks.apply(plan.hooks)
  supervisor.subscribe((event) => hooks.handle(event))
  supervisor.subscribe((event) => {
    if (event.type === 'transition' || event.type === 'replaced') processesChanged()
    if (event.type !== 'essential-failed' && event.type !== 'essential-ended') return
    const how = event.type === 'essential-failed' ? 'failed' : 'has ended'
    end({ code: event.exitCode, reason: `the essential process ${event.process} ${how}: ${event.reason}` })
  })
  certificates.subscribe(workers.setCertificates)
  certificates.watch()
  setInterval(workers.renewTickets, ticketKeyLife).unref()
  health.apply(plan.gateway.upstreams)
  workers.failure.catch((error) => end({ code: exitCodes.internal, reason: messageOf(error) }))
  watchMemory(() => workers.measure().vitals, log)
  announceListeners(log, app.listeners)
  if (app.metrics) log.info('metrics', { url: app.metrics.url })
  app.starting = false
  supervisor.start()
  processesChanged()
}

/** Of the key that seals session tickets. */
const ticketKeyLife = 12 * 3_600_000
