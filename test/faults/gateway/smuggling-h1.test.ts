import type { Socket } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { AccessRecord } from '../../../src/telemetry/access-log.ts'
import { ask, logged, rawSocket, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { meaningOf, type Recording, recordingUpstream } from './recording-upstream.ts'
import { type Meaning, smugglingCorpus } from './smuggling-corpus.ts'

/**
 * Asked behind each row on the same connection: once it is answered or the connection is over, the row is done with.
 */
const canary = 'GET /canary HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n'

/** One gateway and one upstream for all rows: what one leaves behind in a pooled connection, the next would find. */
let gateway: RunningGateway
let behind: Recording

beforeAll(async () => {
  behind = await recordingUpstream()
  gateway = await startGateway({ routes: [proxyTo(behind.port)] })
})
afterAll(cleanUp)
beforeEach(() => behind.forget())

describe.each(['h1', 'h1s'] as const)('a request that might be read twice, over %s', (protocol) => {
  const dial = () => (protocol === 'h1' ? rawSocket(gateway.http) : tlsSocket(gateway.https))

  it.each(smugglingCorpus)('$name', async ({ bytes, seen, cut }) => {
    const before = gateway.records.length
    const answer = await send(dial(), endsConnection(bytes) ? bytes : bytes + canary)
    // Through the same pool: whatever was still on its way has arrived when this is answered.
    await ask(gateway, protocol, { path: '/canary' })
    expect(behind.nonsense, answer).toEqual([])
    const arrived = behind.requests.map(meaningOf).filter(({ target }) => target !== '/canary')
    if (seen === 'refused') {
      expect(arrived, answer).toEqual([])
      expect(answer).toMatch(/^(HTTP\/1\.1 100 Continue\r\n\r\n)?(HTTP\/1\.1 [45]\d\d |$)/)
      const status = Number(/^HTTP\/1\.1 ([45]\d\d) /m.exec(answer)?.[1] ?? 0)
      const isOfRow = (one: AccessRecord) => gateway.records.indexOf(one) >= before && one.status === status
      if (status !== 0) expect(await gateway.waitForRecord(isOfRow)).toMatchObject(logged[protocol])
      expect(answer, 'nothing is read behind what was refused').not.toContain('HTTP/1.1 200')
    } else if (cut) {
      expect(seen, answer).toEqual(expect.arrayContaining(arrived))
      expect(arrived.length).toBeLessThanOrEqual(seen.length)
    } else {
      expect(arrived.sort(byMethod), answer).toEqual([...seen].sort(byMethod))
      expect(answer.match(/HTTP\/1\.1 200/g)?.length, answer).toBeGreaterThanOrEqual(seen.length)
    }
    const names = behind.requests.flatMap(({ headers }) => headers.map(([name]) => name))
    expect(names.filter((name) => /[_.]/.test(name))).toEqual([])
    expect(gateway.errors).toEqual([])
  })
})

/** What follows such a request would be an error of its own. */
function endsConnection(bytes: string): boolean {
  return /HTTP\/1\.0\r\n|ICE\/1\.0|Connection: close/.test(bytes)
}

/** Everything that comes back until the gateway closes. */
function send(socket: Socket, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.once('close', () => resolve(answer))
    socket.write(bytes, 'latin1')
  })
}

/** Pipelined requests reach the upstream over several connections, in any order. */
function byMethod(a: Meaning, b: Meaning): number {
  return a.method.localeCompare(b.method)
}
