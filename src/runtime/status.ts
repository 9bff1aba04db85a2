import type { Status } from '../control/contract.ts'
import { version } from '../shared/assets.ts'
import { dialledAddress } from './announce.ts'
import type { House } from './house.ts'

/** What `gatehouse status` shows. No environment, no keys. */
export function statusOf({ plan, stopping, listeners, threads, supervisor, certificates, files }: House): Status {
  const { count, vitals } = threads.measure()
  const uptime = Math.round(process.uptime() * 1_000)
  return {
    version: version(),
    pid: process.pid,
    startedAt: Date.now() - uptime,
    uptime,
    config: plan.file,
    stopping,
    gateway: { threads: count, serving: vitals.length },
    listeners: listeners.map((listener) => ({
      name: listener.name,
      address: dialledAddress(listener),
      tls: listener.tls,
    })),
    processes: [...supervisor.status()],
    certificates: [...certificates.describe()],
    warnings: [...(files?.troubles() ?? []), ...threads.stores.troubles()],
  }
}
