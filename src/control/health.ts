/** Whether a container can be left alone, judged by its status: for Docker's HEALTHCHECK and the probes of Kubernetes. */
import { oneLine } from '../shared/one-line.ts'
import { backupWarnings } from './backup-warnings.ts'
import { certificateWarnings } from './certificate-warnings.ts'
import type { ProcessStatus, Status } from './contract/contract.ts'

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
  if (status.stopping) return { verdict: 'stopping', reasons: [], warnings: [] }
  if (status.starting) return { verdict: 'starting', reasons: ['gatehouse itself starts'], warnings: [] }
  const findings = withCauses(status.processes.flatMap((process) => findingOf(process) ?? []))
  const words = (grade: Finding['grade']) => findings.filter((one) => one.grade === grade).map((one) => one.words)
  const wrong = [...gatewayTrouble(status), ...words('wrong'), ...blocked(findings, 'blocked')]
  const awaited = findings.filter(({ grade }) => grade === 'awaited').map(({ process }) => process)
  const reasons = [...wrong, ...waiting(awaited)]
  const verdict = wrong.length > 0 ? 'unhealthy' : reasons.length > 0 ? 'starting' : 'healthy'
  const backups = status.processes.flatMap((one) => backupWarnings(one, now))
  const certificates = status.certificates.flatMap((one) => certificateWarnings(one, now))
  return {
    verdict,
    reasons,
    warnings: [
      ...words('warning'),
      ...blocked(findings, 'blocked-warning'),
      ...backups,
      ...certificates,
      ...status.warnings,
    ],
  }
}

interface Finding {
  readonly process: ProcessStatus
  /** `awaited`: it is not ready for the first time. `blocked`: it waits in vain, which is wrong, or with `-warning` only a pity. */
  readonly grade: 'wrong' | 'awaited' | 'warning' | 'blocked' | 'blocked-warning'
  readonly words: string
}

/** What there is to say of one process, if all is not well with it. */
function findingOf(process: ProcessStatus): Finding | undefined {
  const { name, wanted, ready, schedule, lastRun } = process
  // Nobody waits for the next run of a scheduled task, nor for another run of what has completed before.
  if (schedule) return lastRun?.failed ? { process, grade: 'warning', words: failedRunOf(process) } : undefined
  if (!wanted) return { process, grade: 'warning', words: `${name} was stopped by request` }
  if (hasFailed(process)) return { process, grade: isMissed(process) ? 'wrong' : 'warning', words: failureOf(process) }
  if (ready && isUnstable(process))
    return { process, grade: isMissed(process) ? 'wrong' : 'warning', words: unstable(process) }
  if (ready || lastRun?.failed === false) return undefined
  if (process.blockedBy) return { process, grade: isMissed(process) ? 'blocked' : 'blocked-warning', words: name }
  const grade = isMissed(process) ? (isBack(process) ? 'wrong' : 'awaited') : 'warning'
  return { process, grade, words: setbackOf(process) }
}

/** A task that failed is a warning as long as nobody needs it; if somebody who is missed does, it is what is wrong. */
function withCauses(findings: readonly Finding[]): readonly Finding[] {
  const causes = new Set(
    findings.flatMap(({ grade, process }) => (grade === 'blocked' ? (process.blockedBy ?? []) : [])),
  )
  return findings.map((one) =>
    one.grade === 'warning' && causes.has(one.process.name) ? { ...one, grade: 'wrong' } : one,
  )
}

/** Those of this grade, by what blocks them. */
function blocked(findings: readonly Finding[], grade: 'blocked' | 'blocked-warning'): readonly string[] {
  const byCause = new Map<string, string[]>()
  for (const { process } of findings.filter((one) => one.grade === grade)) {
    const cause = process.blockedBy?.join(', ') ?? ''
    byCause.set(cause, [...(byCause.get(cause) ?? []), process.name])
  }
  return [...byCause].map(([cause, names]) => `blocked by ${cause}: ${names.join(', ')}`)
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

/** It ran before, or is no longer what it was: this is no first start. */
function isBack({ restarts, state, reason }: ProcessStatus): boolean {
  return restarts > 0 || state === 'backoff' || state === 'parked' || (state === 'running' && reason !== undefined)
}

/** Ready between two crashes is not well. One failure is an accident, after which it is well as soon as it is ready. */
function isUnstable({ failures = 0 }: ProcessStatus): boolean {
  return failures > 1
}

function unstable({ name, failures }: ProcessStatus): string {
  return `${name} is unstable: it has failed ${failures} times in a row, and is not yet ready for long enough since`
}

function failureOf({ name, state, reason, lastOutput }: ProcessStatus): string {
  const what = state === 'fatal' ? `${name} is fatal` : `${name} has ended`
  const last = lastOutput?.at(-1)
  const why = reason === undefined ? what : `${what}: ${oneLine(reason)}`
  return last === undefined ? why : `${why} (its last line: ${oneLine(last)})`
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
