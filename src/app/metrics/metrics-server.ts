import { createServer, type ServerResponse } from 'node:http'
import { listenError } from '../../gateway/listen/listen-error.ts'
import type { MetricsPlan } from '../../plan/model/plan.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { metricsContentType, metricsPage } from '../../telemetry/metrics-page.ts'
import { dialledAddress } from '../announce.ts'
import { type MetricsSource, metricFamilies } from './metrics.ts'

export interface MetricsServer {
  /** `http://host:port/metrics`, with the port that is open. */
  readonly url: string
  close(): void
}

/** Serves `/metrics` to a scraper. Rejects with `address-in-use` or `address-unavailable`. */
export async function openMetricsServer(plan: MetricsPlan, source: MetricsSource, log: Log): Promise<MetricsServer> {
  /** Scrapes that arrive together get the same page: a flood of them costs as much as one. */
  let current: string | undefined
  const page = () => {
    if (current === undefined) setImmediate(() => (current = undefined))
    current ??= metricsPage(metricFamilies(source))
    return current
  }
  const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000, keepAliveTimeout: 75_000 })
  server.maxConnections = 32
  server.on('request', ({ method, url }, response) => {
    if (url?.split('?')[0] !== '/metrics') return answer(response, 404, 'Not Found: metrics are at /metrics\n')
    if (method !== 'GET' && method !== 'HEAD') return answer(response, 405, 'Method Not Allowed\n')
    try {
      answer(response, 200, page(), metricsContentType)
    } catch (error) {
      log.error(`cannot write the metrics page: ${messageOf(error)}`)
      answer(response, 500, 'Internal Server Error\n')
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenError({ name: 'metrics', ...plan }, error)))
    server.listen({ host: plan.host, port: plan.port, exclusive: true }, resolve)
  })
  server.on('error', (error) => log.error(`metrics: ${messageOf(error)}`))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : plan.port
  return {
    url: `http://${dialledAddress({ ...plan, port })}/metrics`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(text) }).end(text)
}
