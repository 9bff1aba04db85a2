/** What the gateway's threads have counted, as Prometheus's families. Names and units as its conventions ask. */
import type { Family, Value } from './metrics-page.ts'
import { durationBuckets, type Sums, type TalliedMetric } from './metrics-tally.ts'

interface Definition {
  readonly metric: TalliedMetric
  readonly name: string
  readonly help: string
  readonly type: Family['type']
  readonly labels: readonly string[]
}

const definitions: readonly Definition[] = [
  {
    metric: 'requests',
    name: 'gatehouse_http_requests_total',
    help: 'Requests whose answer is over. Status 499: the client left before it was complete.',
    type: 'counter',
    labels: ['route', 'method', 'status'],
  },
  {
    metric: 'durations',
    name: 'gatehouse_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer; without WebSockets and event streams.',
    type: 'histogram',
    labels: ['route'],
  },
  {
    metric: 'bytesSent',
    name: 'gatehouse_http_response_body_bytes_total',
    help: 'Bytes of bodies handed to clients.',
    type: 'counter',
    labels: ['route'],
  },
  {
    metric: 'bytesReceived',
    name: 'gatehouse_http_request_body_bytes_total',
    help: 'Bytes of bodies received from clients.',
    type: 'counter',
    labels: ['route'],
  },
  {
    metric: 'upstreamErrors',
    name: 'gatehouse_upstream_errors_total',
    help: 'Answers that an upstream owed and did not give: it failed, is known to be down, took too long, or was cut in the middle.',
    type: 'counter',
    labels: ['route', 'kind'],
  },
  {
    metric: 'open',
    name: 'gatehouse_http_open',
    help: 'Answers under way, and WebSockets and event streams that are open.',
    type: 'gauge',
    labels: ['kind'],
  },
  {
    metric: 'refusedConnections',
    name: 'gatehouse_connections_refused_total',
    help: 'Connections beyond `limits.connections`.',
    type: 'counter',
    labels: [],
  },
  {
    metric: 'countedAlone',
    name: 'gatehouse_rate_limit_counted_alone_total',
    help: 'Requests that were counted in this replica only, because `rateLimitStore` was late or away.',
    type: 'counter',
    labels: [],
  },
]

export function talliedFamilies(sums: Sums): readonly Family[] {
  return definitions.map(({ metric, name, help, type, labels }) => ({
    name,
    help,
    type,
    values: sums.of(metric).flatMap((row) => {
      const named = Object.fromEntries(labels.map((label, index) => [label, row.labels[index] ?? '']))
      return type === 'histogram' ? histogram(name, named, row.cells) : [{ labels: named, value: row.cells[0] ?? 0 }]
    }),
  }))
}

/** Counted in the bucket where a value belongs; a page tells of each bucket how many are in it or in a smaller one. */
function histogram(name: string, labels: Value['labels'], cells: Float64Array): readonly Value[] {
  let count = 0
  const buckets = [...durationBuckets, Number.POSITIVE_INFINITY].map((bound, index) => {
    count += cells[index] ?? 0
    const le = bound === Number.POSITIVE_INFINITY ? '+Inf' : String(bound)
    return { labels: { le, ...labels }, value: count, metricName: `${name}_bucket` }
  })
  const sum = cells[durationBuckets.length + 1] ?? 0
  return [
    ...buckets,
    { labels, value: sum, metricName: `${name}_sum` },
    { labels, value: count, metricName: `${name}_count` },
  ]
}
