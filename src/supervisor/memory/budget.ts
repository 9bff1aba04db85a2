/**
 * Who may use how much of the container's memory. Fixed sizes come first; what is left is divided in equal parts among all
 * services without one. A service with `memory: auto` is told of its part; one that says nothing keeps its part untold,
 * since it will use some, too.
 */
import type { ProcessPlan } from '../../plan/model/plan.ts'
import { type Bytes, formatBytes } from '../../shared/bytes.ts'

export interface Budget {
  /** What may be used in all. */
  readonly total: Bytes
  /** Of it, what Gatehouse itself keeps. */
  readonly reserve: Bytes
  readonly fixed: Bytes
  /** Of each service without a fixed size; undefined: too little is left to share. */
  readonly part: Bytes | undefined
}

type Asking = Pick<ProcessPlan, 'name' | 'kind' | 'memory'>

/** Less than this runs neither a JVM nor a Node: a hint would only make them fail. */
const leastPart: Bytes = 64_000_000

/** Gatehouse and its threads need about 150 MB; large containers have large gateways, small ones can spare no more. */
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

/** What a process is told that it may use; undefined: it is told nothing. */
export function shareOf({ memory }: Asking, { part }: Budget): Bytes | undefined {
  return memory === 'auto' ? part : memory
}

/** What an operator should hint, in words; undefined: all is well. */
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
