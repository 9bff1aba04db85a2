import type { Exchange } from '../request/exchange.ts'
import { inTurn, mayContinue } from '../response/fair-turns.ts'

/**
 * Writes the body piece by piece, each when the previous one has been sent, and ends the answer. Resolves when it is
 * written or abandoned; rejects, with the answer left open, if the source fails.
 */
export async function sendPieces(exchange: Exchange, pieces: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
  const { response } = exchange
  let resume = () => {}
  exchange.onAbandoned(() => resume())
  for await (const piece of pieces) {
    if (!mayContinue(piece.length)) await new Promise<void>(inTurn)
    if (exchange.over) return
    exchange.bytesSent += piece.length
    await new Promise<void>((resolve) => {
      resume = resolve
      response.write(piece, () => resolve())
    })
    if (exchange.over) return
  }
  response.end()
}
