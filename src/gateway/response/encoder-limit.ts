/**
 * Limits how many answers are compressed on the fly at the same time. An encoder holds 0.3 to 3 MB for as long as its
 * client does not read; one h2 connection can have 128 of them. Beyond the limit answers are sent unencoded, which is
 * always valid.
 */
import type { Exchange } from '../request/exchange.ts'

const maxPerConnection = 8
const maxPerThread = 128

let reserved = 0
const reservedBy = new WeakMap<object, number>()

/**
 * Whether this answer may be compressed on the fly; if so, reserves an encoder until the exchange is over. Once per
 * exchange.
 */
export function reserveEncoder(exchange: Exchange): boolean {
  // Read once: a closed stream no longer knows its session.
  const { connection } = exchange
  const own = reservedBy.get(connection) ?? 0
  if (own >= maxPerConnection || reserved >= maxPerThread || exchange.over) return false
  reserved += 1
  reservedBy.set(connection, own + 1)
  exchange.onSettled(() => {
    reserved -= 1
    reservedBy.set(connection, (reservedBy.get(connection) ?? 0) - 1)
  })
  return true
}
