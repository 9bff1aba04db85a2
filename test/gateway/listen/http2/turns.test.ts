/** The connections of a listener, and the turns in which their requests begin. */
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { Http2Server } from '../../../../src/gateway/listen/http2/http2.ts'
import { preface, settings } from '../../../faults/gateway/h2-wire.ts'
import { ClientWire, get, reset, settled } from './opened.ts'

const wires: ClientWire[] = []
const begun: string[] = []
let turn = 0

const server = new Http2Server({
  request: ({ url }, { stream }) => void begun.push(`${turn} ${stream.id} ${url}`),
  limits: () => ({ headerTimeout: 60_000, idleTimeout: 60_000, requestHeaders: 16_000 }),
})

function client(): ClientWire {
  const wire = new ClientWire(() => {})
  server.accept(wire)
  wire.receive(Buffer.concat([preface, settings({})]))
  wires.push(wire)
  return wire
}

/** Counts turns of the event loop as long as requests begin. */
async function turns(count: number): Promise<void> {
  for (; turn < count; turn++) await new Promise(setImmediate)
}

afterEach(async () => {
  server.destroy()
  for (const wire of wires.splice(0)) if (!wire.closed) await once(wire, 'close')
  begun.length = 0
  turn = 0
})

it('a connection begins four requests in each turn, and others need not wait for all of them', async () => {
  const [greedy, other] = [client(), client()]
  await settled()
  greedy.receive(Buffer.concat(Array.from({ length: 20 }, (_, i) => get(2 * i + 1))))
  other.receive(get(1))
  await turns(8)
  expect(begun).toHaveLength(21)
  const ids = begun.map((line) => Number(line.split(' ')[1]))
  expect(ids.slice(0, 5)).toEqual([1, 3, 5, 7, 1])
  expect(ids.slice(5)).toEqual(Array.from({ length: 16 }, (_, i) => 2 * i + 9))
  const inTurn = new Map<string, number>()
  for (const line of begun.slice(5))
    inTurn.set(line.split(' ')[0] as string, (inTurn.get(line.split(' ')[0] as string) ?? 0) + 1)
  expect([...inTurn.values()]).toEqual([4, 4, 4, 4])
})

it('a request that is reset before its turn does not begin', async () => {
  const wire = client()
  await settled()
  wire.receive(Buffer.concat([...Array.from({ length: 8 }, (_, i) => get(2 * i + 1)), reset(11), reset(1)]))
  await turns(5)
  expect(begun.map((line) => Number(line.split(' ')[1]))).toEqual([1, 3, 5, 7, 9, 13, 15])
})

it('connections are closed, emptied and destroyed together', async () => {
  const [idle, busy] = [client(), client()]
  await settled()
  busy.receive(get(1))
  server.close()
  await server.emptied()
  expect([idle.writableFinished, busy.writableFinished]).toEqual([true, false])
  server.destroy()
  await settled()
  expect(busy.destroyed).toBe(true)
})
