/**
 * Counts the exchanges of a thread. It is on the path of every request: cells are looked up once per label, then added
 * to.
 */
import { METHODS, STATUS_CODES } from 'node:http'
import type { AccessRecord } from '../../telemetry/access-log.ts'
import { durationBuckets, type Tally } from '../../telemetry/metrics-tally.ts'
import type { Exchange } from './exchange.ts'

export interface Meter {
  began(exchange: Exchange): void
  ended(exchange: Exchange, record: AccessRecord): void
  /** Bytes that followed a request and could not be read as another one. */
  unread(record: AccessRecord): void
  /** A connection beyond the limit. */
  refusedConnection(): void
  /** A request that should have been counted for all replicas, and was counted by this one alone. */
  countedAlone(): void
}

/** Without metrics. */
export const noMeter: Meter = {
  began: () => {},
  ended: () => {},
  unread: () => {},
  refusedConnection: () => {},
  countedAlone: () => {},
}

/** The cells of one route, found by its label. */
interface RouteCells {
  readonly durations: number
  readonly bytesSent: number
  readonly bytesReceived: number
  /** By method and status. */
  readonly requests: Map<number, number>
  readonly upstreamErrors: Map<string, number>
}

/** Label of requests that no route answered. */
const noRoute = '(none)'

/** A client may send any token as a method and an upstream any three digits: only known ones become labels. */
const methodNumbers: ReadonlyMap<string, number> = new Map(METHODS.map((name, index) => [name, index + 1]))
const knownStatuses: ReadonlySet<number> = new Set([...Object.keys(STATUS_CODES).map(Number), 499])

export function createMeter(tally: Tally): Meter {
  const routes = new Map<string, RouteCells>()
  const answering = tally.open('open', ['answer'])
  const refusedConnections = tally.open('refusedConnections', [])
  const countedAlone = tally.open('countedAlone', [])
  const openEnded = { tunnel: tally.open('open', ['websocket']), events: tally.open('open', ['events']) }

  function cellsOf(route: string): RouteCells {
    const known = routes.get(route)
    if (known) return known
    const opened: RouteCells = {
      durations: tally.open('durations', [route]),
      bytesSent: tally.open('bytesSent', [route]),
      bytesReceived: tally.open('bytesReceived', [route]),
      requests: new Map(),
      upstreamErrors: new Map(),
    }
    routes.set(route, opened)
    return opened
  }

  function requestCell(cells: RouteCells, route: string, { method, status }: AccessRecord): number {
    const methodNumber = methodNumbers.get(method) ?? 0
    const statusNumber = knownStatuses.has(status) ? status : 0
    const key = methodNumber * 1_000 + statusNumber
    const known = cells.requests.get(key)
    if (known !== undefined) return known
    const labels = [route, methodNumber === 0 ? 'other' : method, statusNumber === 0 ? 'other' : String(status)]
    const opened = tally.open('requests', labels)
    cells.requests.set(key, opened)
    return opened
  }

  function errorCell(cells: RouteCells, route: string, kind: string): number {
    const known = cells.upstreamErrors.get(kind)
    if (known !== undefined) return known
    const opened = tally.open('upstreamErrors', [route, kind])
    cells.upstreamErrors.set(kind, opened)
    return opened
  }

  return {
    began(exchange) {
      tally.add(answering, 1)
      exchange.onSettled(() => {
        tally.add(answering, -1)
        if (!exchange.over && exchange.kind !== 'answer') tally.add(openEnded[exchange.kind], 1)
      })
    },
    ended(exchange, record) {
      const route = exchange.route?.label ?? noRoute
      const cells = cellsOf(route)
      tally.add(requestCell(cells, route, record), 1)
      tally.add(cells.bytesSent, record.bytes)
      tally.add(cells.bytesReceived, exchange.bytesReceived)
      if (exchange.kind === 'answer') countDuration(tally, cells.durations, record.duration / 1_000)
      else tally.add(openEnded[exchange.kind], -1)
      const kind = upstreamError(exchange, record)
      if (kind !== undefined) tally.add(errorCell(cells, route, kind), 1)
    },
    unread: (record) => tally.add(requestCell(cellsOf(noRoute), noRoute, record), 1),
    refusedConnection: () => tally.add(refusedConnections, 1),
    countedAlone: () => tally.add(countedAlone, 1),
  }
}

function countDuration(tally: Tally, first: number, seconds: number): void {
  let bucket = 0
  while (bucket < durationBuckets.length && seconds > (durationBuckets[bucket] ?? 0)) bucket += 1
  tally.add(first + bucket, 1)
  tally.add(first + durationBuckets.length + 1, seconds)
}

function upstreamError({ failure, route }: Exchange, { status }: AccessRecord): string | undefined {
  if (failure === undefined || route?.handler.kind !== 'proxy') return undefined
  switch (status) {
    case 502:
      return 'failed'
    case 503:
      return 'unavailable'
    case 504:
      return 'timeout'
    default:
      // The gateway's answer to a bad request is no fault of the upstream; an answer that was cut is.
      return status < 400 ? 'cut' : undefined
  }
}
