import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import { chosenLater, portPlaceholder } from '../../model/own-port.ts'
import type { LivenessProbe, PolledCheck, ProbeCheck, ReadinessProbe, StartupProbe } from '../../model/probes.ts'

interface ProbePlans {
  readonly startup?: StartupProbe
  readonly ready?: ReadinessProbe
  readonly alive?: LivenessProbe
}

export function resolveProbes({ startup, ready, alive }: ProcessConfig): ProbePlans {
  return {
    ...(startup && { startup: { ...timingOf(startup), deadline: startup.deadline, ...checkOf(startup) } }),
    ...(ready && {
      ready: {
        ...timingOf(ready),
        deadline: ready.deadline,
        ...(ready.failures !== undefined && { failures: ready.failures }),
        ...checkOf(ready),
      },
    }),
    ...(alive && { alive: { ...timingOf(alive), failures: alive.failures, ...polledCheckOf(alive) } }),
  }
}

type AliveConfig = NonNullable<ProcessConfig['alive']>

function timingOf({ every, timeout }: Pick<AliveConfig, 'every' | 'timeout'>) {
  return { every, timeout }
}

/** The schema lets through exactly one kind. */
function checkOf(probe: NonNullable<ProcessConfig['startup']>): ProbeCheck {
  if (probe.log !== undefined) return { kind: 'log', pattern: probe.log }
  if (probe.fd !== undefined) return { kind: 'fd', descriptor: probe.fd }
  return polledCheckOf(probe)
}

function polledCheckOf({ http, tcp, exec, grpc }: Pick<AliveConfig, 'http' | 'tcp' | 'exec' | 'grpc'>): PolledCheck {
  if (http !== undefined) {
    return { kind: 'http', url: http.startsWith('/') ? `http://127.0.0.1:${portPlaceholder}${http}` : http }
  }
  if (tcp) return { kind: 'tcp', host: tcp.host ?? '127.0.0.1', port: tcp.port }
  if (grpc) return { kind: 'grpc', port: grpc.port ?? chosenLater, service: grpc.service }
  return { kind: 'exec', command: exec ?? [] }
}
