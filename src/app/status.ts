import type { Status } from '../control/contract/contract.ts'
import { version } from '../shared/assets.ts'
import { type DescriptorUse, descriptorUse, firstReserved } from '../shared/system/descriptors.ts'
import { dialledAddress } from './announce.ts'
import type { App } from './app.ts'

/** The answer to `GET /v1/status`: no environment, no keys. */
export function statusOf({
  plan,
  starting,
  stopping,
  listeners,
  workers,
  supervisor,
  certificates,
  files,
  refusedReload,
}: Omit<App, 'control'>): Status {
  const { count, vitals } = workers.measure()
  const descriptors = descriptorUse()
  const uptime = Math.round(process.uptime() * 1_000)
  return {
    version: version(),
    pid: process.pid,
    startedAt: Date.now() - uptime,
    uptime,
    config: plan.file,
    ...(starting && { starting }),
    stopping,
    gateway: { threads: count, serving: vitals.length },
    listeners: listeners.map((listener) => ({
      name: listener.name,
      address: dialledAddress(listener),
      tls: listener.tls,
    })),
    ...(descriptors && { descriptors }),
    processes: [...supervisor.status()],
    certificates: [...certificates.describe()],
    warnings: [
      ...(refusedReload === undefined ? [] : [refusedReload]),
      ...descriptorWarnings(descriptors),
      ...(files?.troubles() ?? []),
      ...workers.rateLimitStores.problems(),
    ],
  }
}

/** Share of the descriptors that connections may use. Above it they are refused soon, or are already. */
const nearLimit = 0.9

function descriptorWarnings({ open, limit }: DescriptorUse = { open: 0 }): readonly string[] {
  if (limit === undefined || open <= nearLimit * firstReserved(limit)) return []
  return [
    `${open} of ${limit} file descriptors are in use: raise the limit of open files (\`ulimit -n\`, \`--ulimit nofile=\`, systemd’s \`LimitNOFILE=\`)`,
  ]
}
