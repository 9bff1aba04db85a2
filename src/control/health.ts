/** Whether a container can be left alone, judged by its status: for Docker's HEALTHCHECK and the probes of Kubernetes. */
import { oneLine } from '../shared/one-line.ts'
import type { ProcessStatus, Status } from './contract.ts'

export interface Health {
  /** Only `healthy` is; `starting` has not been yet, as far as is known. */
  readonly verdict: 'healthy' | 'starting' | 'unhealthy' | 'stopping'
  /** What is wrong, or waited for; each in a few words. */
  readonly reasons: readonly string[]
  /** What is wrong without making it unhealthy. */
  readonly warnings: readonly string[]
}

/** `now`: Unix time in milliseconds. */
export function healthOf(status: Status, now: number): Health {
  const { processes, stopping } = status
  const wanted = processes.filter((process) => process.wanted && !isBetweenRuns(process))
  const failed = wanted.filter(hasFailed)
  const slow = wanted.filter((process) => !process.ready && !hasFailed(process) && isMissed(process))
  const wrong = [
    ...gatewayTrouble(status),
    ...failed.filter(isMissed).map(failureOf),
    ...slow.filter(isBack).map(setbackOf),
  ]
  const firstStarts = slow.filter((process) => !isBack(process))
  const warnings = [
    ...failed.filter((process) => !isMissed(process)).map(failureOf),
    ...wanted.filter((process) => !process.ready && !hasFailed(process) && !isMissed(process)).map(setbackOf),
    ...processes.filter(({ schedule, lastRun }) => schedule && lastRun?.failed).map(failedRunOf),
    ...processes
      .filter(({ wanted, schedule }) => !wanted && !schedule && !stopping)
      .map(({ name }) => `${name} was stopped by request`),
    ...expired(status, now),
  ]
  if (stopping) return { verdict: 'stopping', reasons: [], warnings }
  const reasons = [...wrong, ...waiting(firstStarts)]
  if (reasons.length === 0) return { verdict: 'healthy', reasons, warnings }
  return { verdict: wrong.length > 0 ? 'unhealthy' : 'starting', reasons, warnings }
}

/** Nobody waits for the next run of a scheduled task, nor for another run of what has completed before. */
function isBetweenRuns(process: ProcessStatus): boolean {
  return process.schedule !== undefined || (process.lastRun?.failed === false && !process.ready && !hasFailed(process))
}

function failedRunOf({ name, reason }: ProcessStatus): string {
  return `the last run of ${name} failed${reason === undefined ? '' : `: ${oneLine(reason)}`}`
}

/** It is down and nobody starts it again. */
function hasFailed({ state, kind, ready }: ProcessStatus): boolean {
  return state === 'fatal' || (state === 'exited' && (kind === 'service' || !ready))
}

/** Who can do without it has said so. A task that failed is missed by those who wait for it, and they are told of. */
function isMissed(process: ProcessStatus): boolean {
  if (process.essential) return true
  return process.criticality !== 'rebuildable' && !(process.kind === 'task' && hasFailed(process))
}

/** It ran before: this is no first start. */
function isBack({ restarts, state }: ProcessStatus): boolean {
  return restarts > 0 || state === 'backoff'
}

function failureOf({ name, state, reason }: ProcessStatus): string {
  const what = state === 'fatal' ? `${name} is fatal` : `${name} has ended`
  return reason === undefined ? what : `${what}: ${oneLine(reason)}`
}

function setbackOf({ name, state, reason, waitingFor }: ProcessStatus): string {
  if (waitingFor.length > 0) return `${name} waits for ${waitingFor.join(', ')}`
  const what = state === 'backoff' ? `${name} will be restarted` : `${name} is not ready`
  return reason === undefined ? what : `${what}: ${oneLine(reason)}`
}

/** Those that wait for others only repeat what these others say. */
function waiting(processes: readonly ProcessStatus[]): readonly string[] {
  const first = processes.filter(({ waitingFor }) => waitingFor.length === 0)
  const named = first.length > 0 ? first.map(({ name }) => name) : processes.flatMap(({ waitingFor }) => waitingFor)
  return named.length === 0 ? [] : [`waiting for ${[...new Set(named)].join(', ')}`]
}

function gatewayTrouble({ listeners, gateway }: Status): readonly string[] {
  if (listeners.length === 0 || gateway.serving > 0) return []
  return [`the gateway does not serve: none of its ${gateway.threads} threads answers`]
}

function expired({ certificates }: Status, now: number): readonly string[] {
  return certificates
    .filter(({ notAfter }) => Date.parse(notAfter) <= now)
    .map(({ names, notAfter }) => `the certificate of ${names.join(', ')} expired on ${notAfter}`)
}
