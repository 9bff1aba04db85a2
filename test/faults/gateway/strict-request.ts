/**
 * A second opinion: an HTTP/1.1 request reader of our own, stricter than any upstream. Where two readers of the same
 * bytes can differ, this one refuses, so that a request that it accepts is the one request that every upstream reads.
 */

/** A request as it was read off the wire. */
export interface StrictRequest {
  readonly method: string
  readonly target: string
  /** Names in lower case. */
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/**
 * `need more`: what there is may be the beginning of a request. Throws on bytes that two readers could read
 * differently.
 */
export function readStrictly(bytes: string): { request: StrictRequest; rest: string } | 'need more' {
  const end = bytes.indexOf('\r\n\r\n')
  const head = end === -1 ? bytes : bytes.slice(0, end)
  const lines = head.split('\r\n')
  for (const line of end === -1 ? lines.slice(0, -1) : lines) refuseControlBytes(line)
  if (end === -1) return 'need more'
  const [requestLine = '', ...fields] = lines
  const match = /^([A-Z][A-Z-]*) (\/[\x21-\x7e]*) HTTP\/1\.1$/.exec(requestLine)
  if (!match) throw new Error(`request line ${JSON.stringify(requestLine)}`)
  const headers = fields.map(readField)
  const body = readBody(headers, bytes.slice(end + 4))
  if (body === 'need more') return body
  return { request: { method: match[1] ?? '', target: match[2] ?? '', headers, body: body.body }, rest: body.rest }
}

function refuseControlBytes(line: string): void {
  const isControl = (byte: string) => (byte < ' ' && byte !== '\t') || byte === '\x7f'
  if ([...line].some(isControl)) throw new Error(`control bytes in ${JSON.stringify(line)}`)
}

function readField(line: string): readonly [string, string] {
  const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/.exec(line)
  if (!match) throw new Error(`header ${JSON.stringify(line)}`)
  return [(match[1] ?? '').toLowerCase(), match[2] ?? '']
}

function readBody(
  headers: StrictRequest['headers'],
  bytes: string,
): { readonly body: string; readonly rest: string } | 'need more' {
  const values = (wanted: string) => headers.flatMap(([name, value]) => (name === wanted ? [value] : []))
  const lengths = values('content-length')
  const codings = values('transfer-encoding')
  if (values('host').length !== 1) throw new Error(`${values('host').length} Host headers`)
  if (lengths.length + codings.length > 1) throw new Error(`framing ${JSON.stringify([lengths, codings])}`)
  if (codings.length === 1) {
    if (codings[0] !== 'chunked') throw new Error(`transfer-encoding ${codings[0]}`)
    return readChunks(bytes)
  }
  if (lengths.length === 0) return { body: '', rest: bytes }
  if (!/^\d+$/.test(lengths[0] ?? '')) throw new Error(`content-length ${JSON.stringify(lengths[0])}`)
  const length = Number(lengths[0])
  return bytes.length < length ? 'need more' : { body: bytes.slice(0, length), rest: bytes.slice(length) }
}

/** No extensions and no trailers: we send neither. */
function readChunks(bytes: string): { readonly body: string; readonly rest: string } | 'need more' {
  let body = ''
  for (let at = 0; ; ) {
    const line = bytes.indexOf('\r\n', at)
    if (line === -1) return 'need more'
    const size = bytes.slice(at, line)
    if (!/^[0-9a-f]{1,8}$/i.test(size)) throw new Error(`chunk size ${JSON.stringify(size)}`)
    const start = line + 2
    const end = start + Number.parseInt(size, 16)
    if (bytes.length < end + 2) return 'need more'
    if (bytes.slice(end, end + 2) !== '\r\n') throw new Error('no CRLF behind a chunk')
    if (end === start) return { body, rest: bytes.slice(end + 2) }
    body += bytes.slice(start, end)
    at = end + 2
  }
}
