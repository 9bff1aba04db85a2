import type { Exchange } from '../exchange.ts'

/**
 * Writes the body piece by piece, as fast as the client takes it, and ends the answer. Resolves when it is written or the
 * client has gone; rejects, with the answer left open, if the source fails.
 */
export async function sendChunks(exchange: Exchange, chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
  const { response } = exchange
  let wake = () => {}
  response.on('drain', () => wake())
  exchange.onAbandoned(() => wake())
  for await (const chunk of chunks) {
    if (exchange.over) return
    exchange.bytesSent += chunk.length
    const free = response.write(chunk)
    if (free) continue
    await new Promise<void>((resolve) => {
      wake = resolve
      if (exchange.over || !response.writableNeedDrain) resolve()
    })
  }
  if (!exchange.over) response.end()
}
