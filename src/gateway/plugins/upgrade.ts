/** WebSockets of plugins: the plugin takes over one end of a connection whose other end is joined to the client's. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import type { UpgradeRequest } from '../listen/http1/request.ts'
import { AnswerParser } from '../proxy/client/answer-parser.ts'
import { joinClient } from '../proxy/upgrade.ts'
import type { Exchange } from '../request/exchange.ts'
import { finalFields } from '../response/answer-fields.ts'
import { cutAnswer, sendError, sendHead } from '../response/respond.ts'
import { PluginRequest } from './request.ts'
import { socketPair } from './socket-pair.ts'

/**
 * Emits the `upgrade` event of the plugin's server. What the plugin then writes to the socket is its answer: with
 * status 101 a tunnel, else an answer like any other. `answered` is called when its head has come.
 */
export function upgradeInPlugin(
  exchange: Exchange,
  upgrade: UpgradeRequest,
  server: Server,
  answered: () => void,
): void {
  const { request, response } = exchange
  const [pluginsEnd, ownEnd] = socketPair(exchange.client)
  const parser = new AnswerParser({
    method: request.method ?? '',
    upgrade: request.headers.upgrade?.toLowerCase(),
    headLimit: exchange.generation.plan.limits.answerHeaders,
  })
  let begun = false

  const take = (chunk: Buffer): void => {
    try {
      const used = parser.take(chunk)
      const { head } = parser
      if (!head) return
      if (head.status === 101) {
        ownEnd.off('data', take)
        ownEnd.off('end', end)
        joinClient(exchange, upgrade, { head, socket: ownEnd, rest: chunk.subarray(used) })
        answered()
        return
      }
      if (!begun) {
        begun = true
        sendHead(exchange, head.status, [...finalFields(head.status, head.fields), 'connection', 'close'])
        answered()
      }
      for (const piece of parser.body.splice(0)) {
        exchange.bytesSent += piece.length
        if (!response.write(piece)) ownEnd.pause()
      }
      if (parser.complete) finish()
    } catch (error) {
      fail(messageOf(error))
    }
  }
  const end = (): void => {
    try {
      if (exchange.over || exchange.failure !== undefined) return
      parser.end()
      finish()
    } catch (error) {
      fail(messageOf(error))
    }
  }
  const finish = (): void => {
    if (!response.writableEnded) response.end()
    ownEnd.destroy()
  }
  const fail = (cause: string): void => {
    ownEnd.destroy()
    if (exchange.over || exchange.failure !== undefined || response.writableEnded) return
    if (response.headersSent) cutAnswer(exchange, `plugin: ${cause}`)
    else sendError(exchange, 500, `plugin: ${cause}`)
  }

  ownEnd.on('data', take)
  ownEnd.on('end', end)
  ownEnd.on('close', () => {
    if (exchange.kind !== 'tunnel' && !parser.complete) end()
  })
  ownEnd.on('error', () => {}) // 'close' follows
  response.on('drain', () => ownEnd.resume())
  exchange.onAbandoned(() => ownEnd.destroy())
  // The bytes that followed the head are written by the join, as to an upstream.
  server.emit('upgrade', new PluginRequest(exchange, pluginsEnd, () => {}), pluginsEnd as Socket, Buffer.alloc(0))
}
