import type { AccessRecord } from '../../telemetry/access-log.ts'
import type { Exchange } from './exchange.ts'

/** nginx's code for a client that left before its answer was complete; it never goes over the wire. */
const clientClosedRequest = 499

/** The access log's record of an exchange that is over. */
export function recordOf(exchange: Exchange, clientGone: boolean): AccessRecord {
  const { request, ids, failure } = exchange
  const userAgent = request.headers['user-agent']
  const route = exchange.route?.label
  const record: { -readonly [Name in keyof AccessRecord]: AccessRecord[Name] } = {
    requestId: ids.requestId,
    client: exchange.client,
    listener: exchange.listener.name,
    protocol: exchange.kind === 'tunnel' ? 'websocket' : exchange.protocol,
    tls: exchange.listener.tls,
    method: request.method ?? '',
    host: exchange.host,
    path: exchange.target.path,
    status: statusOf(exchange, clientGone),
    bytes: exchange.bytesSent,
    duration: Math.round((performance.now() - exchange.started) * 10) / 10,
  }
  if (ids.internalId !== undefined) record.internalId = ids.internalId
  if (route !== undefined) record.route = route
  if (userAgent !== undefined) record.userAgent = userAgent
  if (failure !== undefined) record.error = failure
  return record
}

/** A client may end a tunnel or an event stream at any time: that is no failure. */
function statusOf({ kind, status }: Exchange, clientGone: boolean): number {
  if (kind === 'tunnel') return 101
  return clientGone && kind === 'answer' ? clientClosedRequest : status
}
