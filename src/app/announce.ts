import type { ListenerPlan, Plan } from '../plan/model/plan.ts'
import { version } from '../shared/assets.ts'
import type { Log } from '../shared/log.ts'
import type { ProcessStatus } from '../supervisor/status.ts'

/** `host:port` for a client to dial; a listener on all addresses is reached at localhost. */
export function dialledAddress({ host, port }: Pick<ListenerPlan, 'host' | 'port'>): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return `localhost:${port}`
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

export function urlOf(listener: ListenerPlan): string {
  return `${listener.tls ? 'https' : 'http'}://${dialledAddress(listener)}`
}

export function announceStart(log: Log, { file, control, storage, certificates, ownFolder }: Plan): void {
  const { pid } = process
  const facts = { version: version(), pid, config: file, socket: control.socket, storage }
  log.info(`starting gatehouse ${version()}`, facts)
  if (ownFolder !== undefined && certificates.length > 0 && storage.startsWith(`${ownFolder}/`))
    log.warn(
      `certificates are stored in ${storage}, which may be emptied: user ${process.geteuid?.()} has no persistent state folder; set \`storage\`, or clients may have to trust a new internal CA`,
    )
  // The kernel gives orphans to PID 1, which must wait for them; Node waits for its own children only.
  if (process.pid === 1)
    log.warn(
      'running as PID 1 without an init: orphaned processes become zombies; start it as `tini -- gatehouse run`, or start the container with --init',
    )
}

export function announceListeners(log: Log, listeners: readonly ListenerPlan[]): void {
  for (const listener of listeners) {
    const { name, tls } = listener
    log.info('listening', { listener: name, address: dialledAddress(listener), tls, url: urlOf(listener) })
  }
}

/** True once every service is ready and every task has completed; scheduled tasks do not count. */
export function allReady(processes: readonly ProcessStatus[]): boolean {
  return processes.every(({ ready, schedule }) => ready || schedule)
}
