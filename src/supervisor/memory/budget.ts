/**
 * Divides the container's memory. Fixed sizes come first; the rest is divided equally among all services without one. A
 * service with `memory: auto` has its part passed to its runtime; one without the option gets a part, too, since it
 * will use some.
 */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { type Bytes, formatBytes } from '../../shared/bytes.ts'

export interface Budget {
  /** All that may be used. */
  readonly total: Bytes
  /** The part kept for Gatehouse itself. */
  readonly reserve: Bytes
  readonly fixed: Bytes
  /** For each service without a fixed size; undefined: too little is left. */
  readonly part: Bytes | undefined
}

type Asking = Pick<ProcessPlan, 'name' | 'kind' | 'memory'>

/** Neither a JVM nor Node runs with less: such a limit would only make them fail. */
const leastPart: Bytes = 64_000_000

/**
 * Gatehouse and its threads need about 150 MB; a large container has a busier gateway, a small one cannot spare more.
 */
function reserveOf(total: Bytes): Bytes {
  return Math.round(Math.min(total / 4, Math.max(256_000_000, total / 20)))
}

export function budgetOf(plans: readonly Asking[], total: Bytes): Budget {
  const reserve = reserveOf(total)
  const fixed = plans.reduce((sum, { memory }) => sum + (typeof memory === 'number' ? memory : 0), 0)
  const sharers = plans.filter(({ kind, memory }) => kind === 'service' && typeof memory !== 'number').length
  const part = Math.floor((total - reserve - fixed) / sharers)
  return { total, reserve, fixed, part: part >= leastPart && sharers > 0 ? part : undefined }
}

/** The limit that is passed to a process; undefined: none. */
export function shareOf({ memory }: Asking, { part }: Budget): Bytes | undefined {
  return memory === 'auto' ? part : memory
}

/** A warning for the operator; undefined: all fits. */
export function budgetFault(plans: readonly Asking[], { total, reserve, fixed, part }: Budget): string | undefined {
  const reserved = `${formatBytes(reserve)} are kept for Gatehouse`
  if (fixed > total - reserve) {
    const sizes = plans.flatMap(({ name, memory }) =>
      typeof memory === 'number' ? [`${name} ${formatBytes(memory)}`] : [],
    )
    return `the fixed sizes of \`memory\` add up to ${formatBytes(fixed)} (${sizes.join(', ')}), but only ${formatBytes(total)} may be used, of which ${reserved}; lower them, or raise the container's limit`
  }
  const asking = plans.filter(({ memory }) => memory === 'auto').map(({ name }) => name)
  if (asking.length === 0 || part !== undefined) return undefined
  const taken = fixed === 0 ? '' : `, and ${formatBytes(fixed)} are taken by fixed sizes`
  return `too little memory is left for \`memory: auto\` (${asking.join(', ')}), so it is not applied: of ${formatBytes(total)}, ${reserved}${taken}; raise the container's limit`
}
