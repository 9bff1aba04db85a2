import { writeTrustStores } from '../../certificates/trust-store/write.ts'
import type { Diagnostic } from '../../config/diagnostics.ts'
import type { ControlSource } from '../../control/control-source.ts'
import { changedSections, type PlanSection } from '../../plan/diff/diff.ts'
import type { ListenerPlan, Plan } from '../../plan/model/plan.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { App } from '../app.ts'
import { reserveAddresses } from '../startup/reserve-addresses.ts'
import { readPlanInThread } from './read-in-thread.ts'

/**
 * Reads the config file again and applies the changes: to the gateway first, which may fail (a port is in use), then to
 * the processes. If the file has errors nothing changes. Never rejects: failures are logged.
 */
export async function reload(app: App, env: Readonly<Record<string, string>>): Promise<void> {
  const { log } = app
  const refuse = (reason: string) => {
    app.refusedReload = `the last reload was refused, and the previous configuration stays in use: ${reason}`
  }
  const refused = (error: unknown) => {
    refuse(messageOf(error))
    log.error(`reload refused: ${messageOf(error)}; the previous configuration stays in use`, { reload: 'refused' })
  }
  const read = await readPlanInThread({ file: app.plan.file, env, create: true }).catch(refused)
  if (!read) return
  const { plan, diagnostics, created } = read
  for (const sentence of created) log.info(sentence)
  logDiagnostics(log, diagnostics)
  if (!plan) {
    log.error('reload refused: the file has errors; the previous configuration stays in use', { reload: 'refused' })
    refuse(errorsOf(diagnostics))
    return
  }
  try {
    await apply(app, plan)
    delete app.refusedReload
  } catch (error) {
    refused(error)
  }
}

function errorsOf(diagnostics: readonly Diagnostic[]): string {
  const first = diagnostics.find(({ severity }) => severity === 'error')
  return first
    ? `the file has errors, the first at ${first.file}:${first.line}:${first.col}: ${first.message}`
    : 'the file has errors'
}

async function apply(app: App, plan: Plan): Promise<void> {
  const { listeners, release } = await reserveAddresses(plan.gateway.listeners, app.listeners, app.log)
  try {
    await serve(app, plan, listeners)
  } finally {
    release()
  }
  warnOfFixedParts(app, plan)
  app.health.apply(plan.gateway.upstreams)
  app.hooks.apply(plan.hooks)
  await writeTrustStores(plan.trustStores, { internalRoot: app.certificates.internalRoot, log: app.log })
  app.plan = plan
  app.listeners = listeners
  const { rolling, ...changes } = await app.supervisor.apply(plan.processes)
  const facts = { reload: 'done', routes: plan.gateway.routes.length, ...changes }
  if (!rolling) return app.log.info('reloaded', facts)
  // Not awaited: the next reload may be the fix for a version that does not become ready.
  void rolling.kept.then((kept) => {
    const names = kept.map(({ process }) => process)
    const rolled = rolling.processes.filter((name) => !names.includes(name))
    if (names.length === 0) app.log.info('reloaded', { ...facts, rolled })
    else app.log.error(`reloaded, but not replaced: ${names.join(', ')}`, { ...facts, rolled, kept })
  })
}

/** Applies the plan to certificates and gateway, or changes neither. */
async function serve(app: App, plan: Plan, listeners: readonly ListenerPlan[]): Promise<void> {
  const certificates = await app.certificates.apply(plan.certificates)
  try {
    const users = app.passwords.complete(plan.gateway.users)
    await app.workers.apply({ plan: { ...plan.gateway, listeners, users }, certificates })
  } catch (error) {
    await app.certificates.apply(app.plan.certificates)
    throw error
  }
}

/** Sections that are read at the start only. */
const fixed: readonly PlanSection[] = ['control', 'storage', 'log', 'metrics']

/** What a reload would change now; nothing is changed or written. */
export async function previewReload(
  { plan, supervisor }: Pick<App, 'plan' | 'supervisor'>,
  env: Readonly<Record<string, string>>,
): Promise<Preview> {
  const { plan: next, diagnostics } = await readPlanInThread({ file: plan.file, env, create: false })
  if (!next) {
    return { refused: 'config-invalid', message: `a reload would be refused: ${errorsOf(diagnostics)}` }
  }
  const sections = changedSections(plan, next)
  return {
    processes: [...(await supervisor.planned(next.processes))],
    live: sections.filter((section) => !fixed.includes(section)),
    nextStart: sections.filter((section) => fixed.includes(section)),
  }
}

type Preview = Awaited<ReturnType<ControlSource['previewReload']>>

/** Without a warning their changes would seem to be in effect. */
function warnOfFixedParts({ plan, log }: App, next: Plan): void {
  const changed = changedSections(plan, next, fixed)
  if (changed.length > 0) log.warn(`changes to ${changed.join(', ')} take effect at the next start`)
}

function logDiagnostics(log: Log, diagnostics: readonly Diagnostic[]): void {
  for (const { severity, code, file, line, col, message, hint } of diagnostics) {
    const say = severity === 'error' ? log.error : severity === 'warning' ? log.warn : log.info
    say(`${file}:${line}:${col}: ${message}${hint === undefined ? '' : ` (${hint})`}`, {
      code,
      file,
      line,
      column: col,
    })
  }
}

export interface Reloader {
  request(): void
  /** No reload begins after this. */
  close(): void
}

/** Runs one reload at a time. All requests that come during a reload lead to a single one after it. */
export function createReloader(app: App, env: Readonly<Record<string, string>>): Reloader {
  let running = false
  let wanted = false
  let closed = false
  async function work(): Promise<void> {
    running = true
    while (wanted && !closed) {
      wanted = false
      await reload(app, env)
    }
    running = false
  }
  return {
    request() {
      wanted = true
      if (!running) void work()
    },
    close() {
      closed = true
    },
  }
}
