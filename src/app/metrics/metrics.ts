/** The metrics page: the counts of the gateway threads, the processes, and Gatehouse itself. */
import type { CertificateStatus } from '../../certificates/certificate-source.ts'
import { processStates } from '../../control/contract/contract.ts'
import { version } from '../../shared/assets.ts'
import { descriptorUse } from '../../shared/system/descriptors.ts'
import type { ProcessStatus } from '../../supervisor/status.ts'
import { talliedFamilies } from '../../telemetry/metrics-families.ts'
import type { Family, Value } from '../../telemetry/metrics-page.ts'
import type { WorkerMeasurements } from '../workers/workers.ts'
import { backupFamilies } from './backup-metrics.ts'
import { certificateFamilies } from './certificate-metrics.ts'
import type { TransitionCounts } from './transition-counts.ts'

export interface MetricsSource {
  measure(): WorkerMeasurements
  /** Whether rate limits are shared by all replicas; undefined without `rateLimitStore`. */
  limitsAreShared(): boolean | undefined
  processes(): readonly ProcessStatus[]
  certificates(): readonly CertificateStatus[]
  readonly transitions: TransitionCounts
}

export function metricFamilies(source: MetricsSource): readonly Family[] {
  const measured = source.measure()
  const processes = source.processes()
  return [
    ...talliedFamilies(measured.sums()),
    ...threadFamilies(measured),
    storeFamily(source.limitsAreShared()),
    ...processFamilies(processes),
    source.transitions.family(processes.map(({ name }) => name)),
    ...backupFamilies(processes),
    ...certificateFamilies(source.certificates()),
    ...ownFamilies(),
  ]
}

function threadFamilies({ replacements, vitals }: WorkerMeasurements): readonly Family[] {
  const perThread = (pick: (one: WorkerMeasurements['vitals'][number]) => number) =>
    vitals.map((one) => ({ labels: { thread: String(one.number) }, value: pick(one) }))
  return [
    gauge('gatehouse_gateway_threads', 'Gateway threads that are serving.', [{ labels: {}, value: vitals.length }]),
    {
      name: 'gatehouse_gateway_thread_replacements_total',
      help: 'Gateway threads replaced, by reason.',
      type: 'counter',
      values: Object.entries(replacements).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    gauge(
      'gatehouse_gateway_thread_heap_bytes',
      'JavaScript heap in use.',
      perThread(({ heap }) => heap),
    ),
    gauge(
      'gatehouse_gateway_thread_external_bytes',
      'Memory in buffers, which are outside the heap and its limit.',
      perThread(({ external }) => external),
    ),
  ]
}

function storeFamily(shared: boolean | undefined): Family {
  return gauge(
    'gatehouse_rate_limit_store_up',
    '1 if `rateLimitStore` counts requests, 0 if this replica counts alone.',
    shared === undefined ? [] : [{ labels: {}, value: shared ? 1 : 0 }],
  )
}

function processFamilies(processes: readonly ProcessStatus[]): readonly Family[] {
  return [
    gauge(
      'gatehouse_process_state',
      '1 for the current state of a process, 0 for the others.',
      processes.flatMap(({ name, state }) =>
        processStates.map((one) => ({ labels: { process: name, state: one }, value: one === state ? 1 : 0 })),
      ),
    ),
    gauge(
      'gatehouse_process_ready',
      '1 if a process is ready.',
      processes.map(({ name, ready }) => ({ labels: { process: name }, value: ready ? 1 : 0 })),
    ),
    gauge(
      'gatehouse_process_waiting_for',
      '1 for each dependency whose condition is not met while a process is waiting or parked.',
      processes.flatMap(({ name, waitingFor }) =>
        waitingFor.map((other) => ({ labels: { process: name, for: other }, value: 1 })),
      ),
    ),
    {
      name: 'gatehouse_process_restarts_total',
      help: 'Restarts of a process.',
      type: 'counter',
      values: processes.map(({ name, restarts }) => ({ labels: { process: name }, value: restarts })),
    },
    {
      name: 'gatehouse_process_oom_kills_total',
      help: 'How often the kernel killed a process because it ran out of memory.',
      type: 'counter',
      values: processes.map(({ name, oomKills = 0 }) => ({ labels: { process: name }, value: oomKills })),
    },
    gauge(
      'gatehouse_process_resident_memory_bytes',
      'Resident memory of a process and its descendants; shared pages count once.',
      processes.flatMap(({ name, memory }) => (memory ? [{ labels: { process: name }, value: memory.used }] : [])),
    ),
    gauge(
      'gatehouse_process_memory_limit_bytes',
      'Memory limit of a process: its fixed size, or its share of the common budget.',
      processes.flatMap(({ name, memory }) =>
        memory?.limit === undefined ? [] : [{ labels: { process: name }, value: memory.limit }],
      ),
    ),
  ]
}

/**
 * The names are those of every Prometheus client; the process is Gatehouse with all its threads, without its children.
 */
function ownFamilies(): readonly Family[] {
  const { user, system } = process.cpuUsage()
  const use = descriptorUse()
  return [
    gauge('gatehouse_build_info', 'Version of Gatehouse.', [{ labels: { version: version() }, value: 1 }]),
    {
      name: 'process_cpu_seconds_total',
      help: 'CPU time of Gatehouse, all threads.',
      type: 'counter',
      values: [{ labels: {}, value: (user + system) / 1e6 }],
    },
    gauge('process_resident_memory_bytes', 'Resident memory of Gatehouse, all threads.', [
      { labels: {}, value: process.memoryUsage.rss() },
    ]),
    gauge('process_start_time_seconds', 'Start of Gatehouse, in Unix time.', [
      { labels: {}, value: Math.round(performance.timeOrigin / 1_000) },
    ]),
    gauge('process_open_fds', 'Open file descriptors of Gatehouse.', use ? [{ labels: {}, value: use.open }] : []),
    gauge(
      'process_max_fds',
      'Limit of open file descriptors of Gatehouse.',
      use?.limit === undefined ? [] : [{ labels: {}, value: use.limit }],
    ),
  ]
}

function gauge(name: string, help: string, values: readonly Value[]): Family {
  return { name, help, type: 'gauge', values }
}
