import { writeTrustStores } from '../../certificates/trust-store/write.ts'
import type { Diagnostic } from '../../config/diagnostics.ts'
import type { ControlSource } from '../../control/control-source.ts'
import { changedSections, type PlanSection } from '../../plan/diff/diff.ts'
import type { ListenerPlan, Plan } from '../../plan/model/plan.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { App } from '../app.ts'
import { reserveAddresses } from '../startup/reserve-addresses.ts'
import { readPlanAside } from './read-in-thread.ts'

/**
 * Reads the config file again and swaps what changed: the gateway first, since it can be refused (a port is taken), then
 * the processes. With any error in the file nothing changes. Never rejects: what went wrong is in the log.
 */
export async function reload(house: App, env: Readonly<Record<string, string>>): Promise<void> {
  const { log } = house
  const refused = (error: unknown) => {
    house.refusedReload = `the last reload was refused, and what ran before goes on: ${messageOf(error)}`
    log.error(`reload refused: ${messageOf(error)}; what was serving goes on`, { reload: 'refused' })
  }
  const read = await readPlanAside({ file: house.plan.file, env, create: true }).catch(refused)
  if (!read) return
  const { plan, diagnostics, created } = read
  for (const sentence of created) log.info(sentence)
  logDiagnostics(log, diagnostics)
  if (!plan) {
    log.error('reload refused: the file has errors; what was running goes on unchanged', { reload: 'refused' })
    house.refusedReload = `the last reload was refused, and what ran before goes on: ${errorsOf(diagnostics)}`
    return
  }
  try {
    await swap(house, plan)
    delete house.refusedReload
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

async function swap(house: App, plan: Plan): Promise<void> {
  const { listeners, release } = await reserveAddresses(plan.gateway.listeners, house.listeners, house.log)
  try {
    await serve(house, plan, listeners)
  } finally {
    release()
  }
  warnOfFixedParts(house, plan)
  house.health.apply(plan.gateway.upstreams)
  house.hooks.apply(plan.hooks)
  await writeTrustStores(plan.trustStores, { internalRoot: house.certificates.internalRoot, log: house.log })
  house.plan = plan
  house.listeners = listeners
  const { rolling, ...changes } = await house.supervisor.apply(plan.processes)
  const facts = { reload: 'done', routes: plan.gateway.routes.length, ...changes }
  if (!rolling) return house.log.info('reloaded', facts)
  // Not awaited: the next file may be the mend of a version that does not get ready.
  void rolling.kept.then((kept) => {
    const names = kept.map(({ process }) => process)
    const rolled = rolling.processes.filter((name) => !names.includes(name))
    if (names.length === 0) house.log.info('reloaded', { ...facts, rolled })
    else house.log.error(`reloaded, but kept as it was: ${names.join(', ')}`, { ...facts, rolled, kept })
  })
}

/** Puts certificates and gateway into service, or leaves both as they were. */
async function serve(house: App, plan: Plan, listeners: readonly ListenerPlan[]): Promise<void> {
  const certificates = await house.certificates.apply(plan.certificates)
  try {
    const users = house.passwords.complete(plan.gateway.users)
    await house.threads.apply({ ...plan.gateway, listeners, users }, certificates)
  } catch (error) {
    await house.certificates.apply(house.plan.certificates)
    throw error
  }
}

/** Parts that are read at the start only. */
const fixed: readonly PlanSection[] = ['control', 'storage', 'log', 'metrics']

/** What a reload would change at this moment; nothing is changed or written. */
export async function previewReload(
  { plan, supervisor }: Pick<App, 'plan' | 'supervisor'>,
  env: Readonly<Record<string, string>>,
): Promise<Preview> {
  const { plan: next, diagnostics } = await readPlanAside({ file: plan.file, env, create: false })
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

/** Saying nothing would let their change look obeyed. */
function warnOfFixedParts({ plan, log }: App, next: Plan): void {
  const changed = changedSections(plan, next, fixed)
  if (changed.length > 0) log.warn(`the change of ${changed.join(', ')} takes effect at the next start`)
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
  /** No reload begins any more. */
  close(): void
}

/** Runs one reload at a time. Requests that come during one are answered by a single one behind it. */
export function createReloader(house: App, env: Readonly<Record<string, string>>): Reloader {
  let running = false
  let wanted = false
  let closed = false
  async function work(): Promise<void> {
    running = true
    while (wanted && !closed) {
      wanted = false
      await reload(house, env)
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
