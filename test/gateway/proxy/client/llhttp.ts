/** llhttp, strict, as Node has it: the other reader of answers. */
import { createRequire } from 'node:module'
import type { Parsed } from './parsed.ts'

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void
  execute(bytes: Buffer): number | Error
  finish(): Error | undefined
  close(): void
  [callback: number]: unknown
}

interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly RESPONSE: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
}

// The only way to it but a connection for each message, of which there are millions.
export const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: ParserClass
  methods: readonly string[]
}

const skipBody = 1

/** The first final answer in the bytes, behind which the connection is closed. */
export function parseWithLlhttp(
  bytes: Buffer,
  method: string,
): Pick<Parsed, 'status' | 'body' | 'complete' | 'error'> & {
  readonly fields?: readonly string[]
  readonly version?: string
} {
  const parser = new HTTPParser()
  parser.initialize(HTTPParser.RESPONSE, {}, 1_000_000, 0)
  let status = 0
  let version = ''
  let complete = false
  const fields: string[] = []
  const body: Buffer[] = []
  parser[HTTPParser.kOnHeaders] = (more: string[]) => {
    if (!complete && status < 200) fields.push(...more)
  }
  parser[HTTPParser.kOnHeadersComplete] = (...parts: unknown[]) => {
    if (complete) return 0
    const [major, minor, headers, , , code] = parts as [number, number, string[] | undefined, unknown, unknown, number]
    status = code
    version = `${major}.${minor}`
    if (headers) fields.push(...headers)
    if (code < 200) fields.length = 0
    return method === 'HEAD' ? skipBody : 0
  }
  parser[HTTPParser.kOnBody] = (chunk: Buffer) => {
    if (!complete) body.push(Buffer.from(chunk))
  }
  parser[HTTPParser.kOnMessageComplete] = () => {
    if (status >= 200) complete = true
  }
  const read = parser.execute(bytes)
  const fault = complete ? undefined : read instanceof Error ? read : parser.finish()
  parser.close()
  if (fault !== undefined || !complete) {
    return {
      complete: false,
      error: fault ? String((fault as { code?: unknown }).code) : 'incomplete',
      status,
      version,
    }
  }
  return { complete: true, status, version, fields, body: Buffer.concat(body).toString('latin1') }
}
