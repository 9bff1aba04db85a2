/** The request line of a request whose method the parser does not know. */
import { METHODS } from 'node:http'

export interface RequestLine {
  readonly method: string
  readonly target: string
  readonly host: string | undefined
}

const known: ReadonlySet<string> = new Set(METHODS)
const line = /^[\r\n]*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) ([\x21-\x7e]{1,8192}) HTTP\/1\.[01]\r?\n/

/**
 * The request line at which the parser stopped, if it is valid except for an unknown method, or one of another protocol
 * (RTSP's SETUP); undefined if it is no request at all.
 */
export function unknownMethod(packet: Buffer, stopped: number): RequestLine | undefined {
  // It may have stopped at the very end of the line.
  const begin = stopped < 3 ? 0 : packet.lastIndexOf(10, stopped - 3) + 1
  const text = packet.toString('latin1', begin, begin + 16_384)
  const [whole = '', method = '', target = ''] = line.exec(text) ?? []
  if (whole === '' || known.has(method)) return undefined
  const fields = text.slice(whole.length - 1).split(/\r?\n\r?\n/, 1)[0]
  return { method, target, host: /\nhost:[ \t]*([^\r\n]*)/i.exec(`\n${fields}`)?.[1] }
}
