/** What AnswerParser makes of bytes, put together so that two readings can be compared. */
import { AnswerParser, type Expected } from '../../../../src/gateway/proxy/client/answer-parser.ts'

export interface Parsed {
  readonly interim: readonly number[]
  readonly status?: number
  readonly fields?: readonly string[]
  readonly body?: string
  readonly trailers?: readonly string[]
  readonly keepAlive?: boolean
  readonly idleTimeout?: number | undefined
  /** Bytes behind the answer. */
  readonly rest?: string
  readonly complete: boolean
  readonly error?: string
}

/** `pieces` as they come; with `fin` the connection is closed behind them. */
export function parse(pieces: readonly Buffer[], fin: boolean, expected: Partial<Expected> = {}): Parsed {
  const parser = new AnswerParser({ method: 'GET', headLimit: 64_000, ...expected })
  const body: Buffer[] = []
  const rest: Buffer[] = []
  let error: string | undefined
  try {
    for (const piece of pieces) {
      const used = parser.take(piece)
      // As the connection does: the bytes are read into again.
      body.push(...parser.body.splice(0).map((part) => Buffer.from(part)))
      if (used < piece.length) rest.push(piece.subarray(used))
    }
    if (fin) parser.end()
  } catch (fault) {
    error = (fault as Error).message
  }
  const { head } = parser
  return {
    interim: parser.interim.map(({ status }) => status),
    ...(head && { status: head.status, fields: head.fields, keepAlive: head.keepAlive, idleTimeout: head.idleTimeout }),
    ...(error === undefined && { body: Buffer.concat(body).toString('latin1') }),
    ...(parser.trailers && { trailers: parser.trailers }),
    ...(rest.length > 0 && { rest: Buffer.concat(rest).toString('latin1') }),
    complete: error === undefined && parser.complete,
    ...(error !== undefined && { error }),
  }
}

/** Every way to cut the bytes in two, and one byte at a time. */
export function* splits(text: string): Generator<readonly Buffer[]> {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 1; at < bytes.length; at++) yield [bytes.subarray(0, at), bytes.subarray(at)]
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
}
