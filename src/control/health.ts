/** The health of a container, judged by its status: for HEALTHCHECK of Docker and probes of Kubernetes. */
import { oneLine } from '../shared/one-line.ts'
import { backupWarnings } from './backup-warnings.ts'
import { certificateWarnings } from './certificate-warnings.ts'
import type { ProcessStatus, Status } from './contract/contract.ts'

export interface Health {
  /** `starting`: not healthy yet, for the first time. */
  readonly verdict: 'healthy' | 'starting' | 'unhealthy' | 'stopping'
  /** What is wrong, or what it waits for; a few words each. */
  readonly reasons: readonly string[]
  /** What is wrong without making it unhealthy. */
  readonly warnings: readonly string[]
}

/** `now`: Unix time in milliseconds. */
export function healthOf(status: Status, now: number): Health {
  if (status.stopping) return { verdict: 'stopping', reasons: [], warnings: [] }
  if (status.starting) return { verdict: 'starting', reasons: ['gatehouse itself is starting'], warnings: [] }
  const findings = withCauses(status.processes.flatMap((process) => findingOf(process) ?? []))
  const words = (grade: Finding['grade']) => findings.filter((one) => one.grade === grade).map((one) => one.words)
  const wrong = [...gatewayProblem(status), ...words('wrong'), ...blocked(findings, 'blocked')]
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
  /**
   * `awaited`: not ready yet, for the first time. `blocked`: waits in vain; `-warning`: of a process that is not
   * required.
   */
  readonly grade: 'wrong' | 'awaited' | 'warning' | 'blocked' | 'blocked-warning'
  readonly words: string
}

/** What is wrong with a process, if anything. */
function findingOf(process: ProcessStatus): Finding | undefined {
  const { name, wanted, ready, schedule, lastRun } = process
  // Nothing waits for the next run of a scheduled task, nor for another run of a task that has completed before.
  if (schedule) return lastRun?.failed ? { process, grade: 'warning', words: failedRunOf(process) } : undefined
  if (!wanted) return { process, grade: 'warning', words: `${name} was stopped by request` }
  if (hasFailed(process))
    return { process, grade: isRequired(process) ? 'wrong' : 'warning', words: failureOf(process) }
  if (ready && isUnstable(process))
    return { process, grade: isRequired(process) ? 'wrong' : 'warning', words: unstable(process) }
  if (ready || lastRun?.failed === false) return undefined
  if (process.blockedBy) return { process, grade: isRequired(process) ? 'blocked' : 'blocked-warning', words: name }
  const grade = isRequired(process) ? (ranBefore(process) ? 'wrong' : 'awaited') : 'warning'
  return { process, grade, words: problemOfProcess(process) }
}

/** A failed task is a warning unless it blocks a required process. */
function withCauses(findings: readonly Finding[]): readonly Finding[] {
  const causes = new Set(
    findings.flatMap(({ grade, process }) => (grade === 'blocked' ? (process.blockedBy ?? []) : [])),
  )
  return findings.map((one) =>
    one.grade === 'warning' && causes.has(one.process.name) ? { ...one, grade: 'wrong' } : one,
  )
}

/** Blocked processes, grouped by their cause. */
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

/** It is down and will not be restarted. */
function hasFailed({ state, kind, ready }: ProcessStatus): boolean {
  return state === 'fatal' || (state === 'exited' && (kind === 'service' || !ready))
}

/**
 * Processes are required unless they are `rebuildable`. Failed tasks are reported by the processes that wait for them.
 */
function isRequired(process: ProcessStatus): boolean {
  if (process.essential) return true
  return process.criticality !== 'rebuildable' && !(process.kind === 'task' && hasFailed(process))
}

/** It ran before: this is not its first start. */
function ranBefore({ restarts, state, reason }: ProcessStatus): boolean {
  return restarts > 0 || state === 'backoff' || state === 'parked' || (state === 'running' && reason !== undefined)
}

/** Being ready between two crashes is not healthy. After a single failure it is healthy as soon as it is ready. */
function isUnstable({ failures = 0 }: ProcessStatus): boolean {
  return failures > 1
}

function unstable({ name, failures }: ProcessStatus): string {
  return `${name} is unstable: it failed ${failures} times in a row, and has not been ready for long enough since`
}

function failureOf({ name, state, reason, lastOutput }: ProcessStatus): string {
  const what = state === 'fatal' ? `${name} is fatal` : `${name} has ended`
  const last = lastOutput?.at(-1)
  const why = reason === undefined ? what : `${what}: ${oneLine(reason)}`
  return last === undefined ? why : `${why} (its last line: ${oneLine(last)})`
}

function problemOfProcess({ name, state, reason, waitingFor }: ProcessStatus): string {
  if (waitingFor.length > 0) return `${name} is waiting for ${waitingFor.join(', ')}`
  const what = state === 'backoff' ? `${name} will be restarted` : `${name} is not ready`
  return reason === undefined ? what : `${what}: ${oneLine(reason)}`
}

/** Only the first ones in a chain: those that wait for others add nothing. */
function waiting(processes: readonly ProcessStatus[]): readonly string[] {
  const first = processes.filter(({ waitingFor }) => waitingFor.length === 0)
  const named = first.length > 0 ? first.map(({ name }) => name) : processes.flatMap(({ waitingFor }) => waitingFor)
  return named.length === 0 ? [] : [`waiting for ${[...new Set(named)].join(', ')}`]
}

function gatewayProblem({ listeners, gateway }: Status): readonly string[] {
  if (listeners.length === 0 || gateway.serving > 0) return []
  return [`the gateway does not serve: none of its ${gateway.threads} threads is serving`]
}
