/** The counts of the gateway threads as Prometheus metrics. Names and units follow its conventions. */
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
    help: 'Completed requests. Status 499: the client disconnected before the response was complete.',
    type: 'counter',
    labels: ['route', 'method', 'status'],
  },
  {
    metric: 'durations',
    name: 'gatehouse_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its response, without WebSockets and event streams.',
    type: 'histogram',
    labels: ['route'],
  },
  {
    metric: 'bytesSent',
    name: 'gatehouse_http_response_body_bytes_total',
    help: 'Bytes of response bodies sent to clients.',
    type: 'counter',
    labels: ['route'],
  },
  {
    metric: 'bytesReceived',
    name: 'gatehouse_http_request_body_bytes_total',
    help: 'Bytes of request bodies received from clients.',
    type: 'counter',
    labels: ['route'],
  },
  {
    metric: 'upstreamErrors',
    name: 'gatehouse_upstream_errors_total',
    help: 'Requests without a complete response from the upstream: it failed, was known to be down, timed out, or cut the response.',
    type: 'counter',
    labels: ['route', 'kind'],
  },
  {
    metric: 'open',
    name: 'gatehouse_http_open',
    help: 'Responses in progress, and open WebSockets and event streams.',
    type: 'gauge',
    labels: ['kind'],
  },
  {
    metric: 'refusedConnections',
    name: 'gatehouse_connections_refused_total',
    help: 'Connections refused because of `limits.connections`.',
    type: 'counter',
    labels: [],
  },
  {
    metric: 'countedAlone',
    name: 'gatehouse_rate_limit_counted_alone_total',
    help: 'Requests that this replica counted alone, because `rateLimitStore` was slow or unavailable.',
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

/** The cells count each value in one bucket; Prometheus wants cumulative buckets. */
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
