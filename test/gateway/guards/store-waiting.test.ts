/** Requests while Redis is asked about them: their bodies, their clients, and Redis itself, which may pause. */
import { constants } from 'node:http2'
import { connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Redis } from '../../e2e/support/redis.ts'
import { part } from '../../parts.ts'
import { ask, h2Session, openHttp1, type Protocol, protocols } from '../clients.ts'
import { cleanUp, host, proxyTo, type RunningGateway } from '../support.ts'
import { mirror, rawUpstream, upstream } from '../upstreams.ts'
import { limit, planWith, startedRedis, startSettled, statuses, storeAt } from './store-support.ts'

afterEach(cleanUp)

describe.skipIf(!part('redis-server')).each(protocols)('while Redis is asked about a request over %s', (protocol) => {
  it('its body waits, and arrives whole', async () => {
    const server = await startedRedis()
    const behind = await mirror()
    const plan = planWith(storeAt(server.port), limit(3))
    const gateway = await startSettled({ ...plan, routes: [proxyTo(behind.port)] })
    const body = 'x'.repeat(300_000)
    expect(JSON.parse((await ask(gateway, protocol, { method: 'POST', body })).body).body).toBe(body)
    server.signal('SIGSTOP')
    expect(JSON.parse((await ask(gateway, protocol, { method: 'POST', body })).body).body).toBe(body)
    server.signal('SIGCONT')
  })

  it('a client that leaves is dropped, and nothing is dialled for it', async () => {
    const { port, nextQuestion } = await doorOf(await startedRedis())
    const seen = vi.fn()
    const behind = await upstream((_request, response) => {
      seen()
      response.end()
    })
    const plan = planWith(storeAt(port), limit(3))
    const gateway = await startSettled({ ...plan, routes: [proxyTo(behind.port)] })
    const asked = nextQuestion()
    const leave = begin(gateway, protocol)
    const answer = await asked
    leave()
    await gateway.waitForRecord(({ status }) => status === 499)
    answer()
    expect((await ask(gateway, protocol)).status).toBe(200)
    expect(seen).toHaveBeenCalledTimes(1)
  })
})

it.skipIf(!part('redis-server'))('a thread that is busy itself does not take Redis for late', async () => {
  const server = await startedRedis()
  const { port, nextQuestion } = await doorOf(server)
  const [one, other] = await Promise.all([port, server.port].map((to) => startSettled(planWith(storeAt(to), limit(1)))))
  if (!one || !other) throw new Error('two gateways were started')
  expect(await statuses(other, 1)).toEqual([302])
  const asked = nextQuestion()
  const answers = statuses(one, 1)
  const pass = await asked
  const until = performance.now() + 400
  while (performance.now() < until);
  pass()
  // Counted by itself it would have let the request pass.
  expect(await answers).toEqual([429])
})

/** A way to Redis on which questions can be held up. */
async function doorOf(server: Redis) {
  let held: ((answer: () => void) => void) | undefined
  const { port } = await rawUpstream((socket) => {
    const inner = connect(server.port, '127.0.0.1')
    inner.on('error', () => {}).pipe(socket)
    socket.on('close', () => inner.destroy())
    socket.on('data', (words) => {
      const pass = () => inner.write(words)
      if (held) held(pass)
      else pass()
      held = undefined
    })
  })
  /** Resolves with what lets it through. */
  const nextQuestion = () =>
    new Promise<() => void>((resolve) => {
      held = resolve
    })
  return { port, nextQuestion }
}

/** The result leaves; over h1 by a reset, since an end alone may be that of a client that still reads. */
function begin(gateway: RunningGateway, protocol: Protocol): () => void {
  if (protocol === 'h2') {
    const session = h2Session(gateway)
    const stream = session.request({ ':path': '/' })
    stream.on('error', () => {})
    return () => stream.close(constants.NGHTTP2_CANCEL)
  }
  const { socket, wire } = openHttp1(gateway, protocol)
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return () => void wire.resetAndDestroy()
}
