import type { ListenerPlan, Plan } from '../plan/model/plan.ts'
import { version } from '../shared/assets.ts'
import type { Log } from '../shared/log.ts'
import type { ProcessStatus } from '../supervisor/status.ts'

/** `host:port` as a client would dial it; a listener on all addresses is reached at localhost. */
export function dialledAddress({ host, port }: Pick<ListenerPlan, 'host' | 'port'>): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return `localhost:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function urlOf(listener: ListenerPlan): string {
  return `${listener.tls ? 'https' : 'http'}://${dialledAddress(listener)}`
}

export function announceStart(log: Log, { file, control, storage, certificates, ownFolder }: Plan): void {
  const { pid } = process
  log.info(`gatehouse ${version()} starts`, { version: version(), pid, config: file, socket: control.socket, storage })
  if (ownFolder !== undefined && certificates.length > 0 && storage.startsWith(`${ownFolder}/`))
    log.warn(
      `certificates are kept in ${storage}, since user ${process.geteuid?.()} has no place that lasts: it may be emptied, and what was trusted is then made anew; set \`storage\``,
    )
  // The kernel gives orphans to PID 1 and expects it to wait for them; Node waits for its own children only.
  if (process.pid === 1)
    log.warn(
      'runs as PID 1 without an init: orphaned processes stay as zombies when they end; start it as `tini -- gatehouse run`, or the container with --init',
    )
}

export function announceListeners(log: Log, listeners: readonly ListenerPlan[]): void {
  for (const listener of listeners) {
    const { name, tls } = listener
    log.info('listening', { listener: name, address: dialledAddress(listener), tls, url: urlOf(listener) })
  }
}

/** True once every service is ready and every task has completed; scheduled tasks wait for their time and count for nothing. */
export function allReady(processes: readonly ProcessStatus[]): boolean {
  return processes.every(({ ready, schedule }) => ready || schedule)
}
