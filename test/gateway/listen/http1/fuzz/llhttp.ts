/** llhttp, strict, as Node has it: the other reader of requests. */
import { HTTPParser, methods } from '../../../proxy/client/llhttp.ts'
import type { ReadRequest } from '../parsed.ts'

/** Nothing behind the head is HTTP. */
const upgraded = 2

export interface LlhttpReading {
  readonly requests: readonly ReadRequest[]
  /** Why it stopped, if it is not the end of the bytes. */
  readonly error?: string
}

/** The requests in the bytes, up to and with one that upgrades to WebSocket; behind them the connection is closed. */
export function readWithLlhttp(bytes: Buffer): LlhttpReading {
  const requests: ReadRequest[] = []
  let error: string | undefined
  // It stops behind each request for an upgrade, which a server may ignore (RFC 9110 §7.8).
  for (let at: number | undefined = 0; at !== undefined && at < bytes.length; ) {
    const reading = readSome(bytes.subarray(at))
    requests.push(...reading.requests)
    error = reading.error
    at = reading.next === undefined ? undefined : at + reading.next
  }
  return { requests, ...(error !== undefined && { error }) }
}

/** `next`: where the bytes go on behind an upgrade that is ignored. */
function readSome(bytes: Buffer): LlhttpReading & { readonly next?: number } {
  const parser = new HTTPParser()
  parser.initialize(HTTPParser.REQUEST, {}, 1_000_000, 0)
  const requests: ReadRequest[] = []
  let fields: string[] = []
  let target = ''
  let open: { -readonly [K in keyof ReadRequest]: ReadRequest[K] } | undefined
  let isUpgraded = false
  let keepsAlive = true
  parser[HTTPParser.kOnHeaders] = (more: string[], url: string) => {
    fields.push(...more)
    target += url
  }
  parser[HTTPParser.kOnHeadersComplete] = (...parts: unknown[]) => {
    const [major, minor, headers, method, url] = parts as [number, number, string[]?, number?, string?]
    const [upgrade, keepAlive] = parts.slice(7) as [boolean, boolean]
    open = {
      method: methods[method as number] ?? '?',
      target: url ?? target,
      version: `${major}.${minor}`,
      fields: headers ?? fields,
      body: '',
      trailers: [],
      complete: false,
    }
    fields = []
    target = ''
    requests.push(open)
    keepsAlive = keepAlive
    isUpgraded ||= upgrade && isWebSocket(open)
    return isUpgraded ? upgraded : 0
  }
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => {
    if (open) open.body += chunk.toString('latin1')
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (!open) return
    open.complete = true
    open.trailers = fields
    fields = []
    target = ''
  }
  const read = parser.execute(bytes)
  if (isUpgraded) return { requests }
  // Of a request for an upgrade it reports no error.
  if (typeof read === 'number' && read < bytes.length) {
    if (!open?.complete) return { requests, error: 'HPE_UNKNOWN' }
    return { requests, ...(keepsAlive && { next: read }) }
  }
  const fault = read instanceof Error ? read : parser.finish()
  parser.close()
  return { requests, ...(fault && { error: String((fault as { code?: unknown }).code) }) }
}

function isWebSocket({ method, version, fields }: ReadRequest): boolean {
  const values = (name: string) => fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === name)
  if (method !== 'GET' || version !== '1.1' || values('transfer-encoding').length > 0) return false
  return values('upgrade').join(', ').toLowerCase() === 'websocket' && Number(values('content-length')[0] ?? 0) === 0
}
