/** When the head of a request leaves, and what a connection does that answers before it. */
import { describe, expect, it } from 'vitest'
import { Connection } from '../../../../src/gateway/proxy/client/connection.ts'
import type { Transaction } from '../../../../src/gateway/proxy/client/transaction.ts'
import { settled } from '../../listen/http1/opened.ts'
import { Wire } from '../../listen/http1/wire.ts'

const head = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'
const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

function open() {
  const wire = new Wire()
  const seen: string[] = []
  const connection = new Connection(wire, {
    free: () => void seen.push('free'),
    closed: () => void seen.push('closed'),
  })
  const transaction: Transaction = {
    onInterim: () => {},
    onHead: ({ status }) => void seen.push(String(status)),
    onBody: () => {},
    onPause: () => {},
    onEnd: () => void seen.push('end'),
    onUpgrade: () => {},
    onError: ({ message }) => void seen.push(message),
    onDrain: () => {},
    onBodyRefused: () => {},
  }
  const send = () => connection.send({ head, method: 'GET', headLimit: 16_000, timeout: 60_000 }, transaction, false)
  return { wire, seen, connection, send }
}

describe('the head of a request', () => {
  it('leaves at the end of the turn, once for each request', async () => {
    const { wire, seen, connection, send } = open()
    for (const sent of [[head], [head, head]]) {
      send()
      expect(wire.writes).toHaveLength(sent.length - 1)
      await settled()
      expect(wire.writes).toEqual(sent)
      connection.take(Buffer.from(answer))
    }
    expect(seen).toEqual(['200', 'free', 'end', '200', 'free', 'end'])
    connection.destroy()
  })

  it('does not leave on a connection that was given up in the same turn', async () => {
    const { wire, seen, connection, send } = open()
    send()
    connection.destroy()
    await settled()
    expect([wire.writes, seen]).toEqual([[], ['closed']])
  })

  it('is not what bytes answer that arrive before it has left', async () => {
    const { wire, seen, connection, send } = open()
    send()
    connection.take(Buffer.from(answer))
    expect(seen).toEqual(['closed', 'the upstream answered before it was asked'])
    expect(connection.answerBegun, 'the request may be sent again').toBe(false)
    await settled()
    expect([wire.writes, wire.destroyed]).toEqual([[], true])
  })
})
