import type { ProcessConfig } from '../../../config/schema/process/process.ts'
import type { Milliseconds } from '../../../shared/time/duration.ts'
import type { Criticality, StopPolicy } from '../../model/plan.ts'

/** A database flushes its journal, a backend finishes its requests, a cache has nothing to lose. */
const defaultGrace: Readonly<Record<Criticality, Milliseconds>> = {
  critical: 60_000,
  important: 30_000,
  rebuildable: 10_000,
}

export function resolveStop({ stop, criticality }: ProcessConfig): StopPolicy {
  return { signal: stop.signal, grace: stop.grace ?? defaultGrace[criticality] }
}
