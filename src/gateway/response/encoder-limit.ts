/**
 * How many answers are encoded on their way at the same time. An encoder holds 0.3 to 3 MB for as long as its client takes nothing
 * of what it gives; over h2 one connection can have 128 of them. Beyond the limit answers go as they are, which is always right.
 */
import type { Exchange } from '../request/exchange.ts'

const ofConnection = 8
const ofThread = 128

let reserved = 0
const reservedBy = new WeakMap<object, number>()

/** Whether this answer may be encoded on its way; its place is kept until the exchange is over. To be asked once for an exchange. */
export function reserveEncoder(exchange: Exchange): boolean {
  // Read once: a stream that is over knows its session no more.
  const { connection } = exchange
  const own = reservedBy.get(connection) ?? 0
  if (own >= ofConnection || reserved >= ofThread || exchange.over) return false
  reserved += 1
  reservedBy.set(connection, own + 1)
  exchange.onSettled(() => {
    reserved -= 1
    reservedBy.set(connection, (reservedBy.get(connection) ?? 0) - 1)
  })
  return true
}
