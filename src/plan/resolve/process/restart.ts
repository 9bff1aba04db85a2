import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import { chosenLater } from '../../model/own-port.ts'
import type { ReadinessProbe } from '../../model/probes.ts'
import type { RestartPolicy } from '../../model/processes.ts'

/** As long as the longest usual timeout in front of a gateway, and short enough to wait for. */
const defaultDrain = 30_000

/** A successor takes over from a serving process, so being spawned is not enough: it must listen. */
const onceItListens: ReadinessProbe = {
  every: 100,
  timeout: 2_000,
  deadline: 300_000,
  kind: 'tcp',
  host: '127.0.0.1',
  port: chosenLater,
}

export function resolveRestart({ restart, kind }: ProcessConfig): RestartPolicy {
  const { style, drain = defaultDrain, policy, ...rest } = restart
  return {
    ...rest,
    policy: policy ?? (kind === 'task' ? 'never' : 'always'),
    ...(style === 'rolling' && { rolling: { drain } }),
  }
}

/** The readiness probe of a rolling process if the file has none. */
export function rollingReadiness({ restart, ready }: ProcessConfig): { readonly ready?: ReadinessProbe } {
  return restart.style === 'rolling' && !ready ? { ready: onceItListens } : {}
}
