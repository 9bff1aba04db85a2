import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ask, tlsSocket } from '../../gateway/clients.ts'
import { cleanUp, proxyTo, type RunningGateway, startGateway } from '../../gateway/support.ts'
import { openWire } from './h2-wire.ts'
import { meaningOf, type Recording, recordingUpstream } from './recording-upstream.ts'
import { h2SmugglingCorpus } from './smuggling-corpus-h2.ts'

let gateway: RunningGateway
let behind: Recording

beforeAll(async () => {
  behind = await recordingUpstream()
  gateway = await startGateway({ routes: [proxyTo(behind.port)] })
})
afterAll(cleanUp)
beforeEach(() => behind.forget())

describe('a request that h1 might read otherwise, over h2', () => {
  it.each(h2SmugglingCorpus)('$name', async ({ frames, seen, lost }) => {
    const wire = openWire(tlsSocket(gateway.https, 'h2'))
    wire.write(...frames)
    // A client's own reset is not answered; everything else is.
    const reset = frames.some((bytes) => bytes[3] === 3)
    const end = reset ? undefined : await wire.endOf(1)
    wire.socket.end()
    await wire.closed
    // Through the same pool: whatever was still on its way has arrived when this is answered.
    await ask(gateway, 'h2', { path: '/canary' })
    expect(behind.nonsense).toEqual([])
    const arrived = behind.requests.map(meaningOf).filter(({ target }) => target !== '/canary')
    if (seen === 'refused') {
      expect(arrived, JSON.stringify(end)).toEqual([])
      if (end !== undefined && end !== 'connection closed' && 'status' in end) {
        expect(end.status).toBeGreaterThanOrEqual(400)
      }
    } else {
      expect(end).toEqual({ status: 200 })
      expect(arrived).toEqual(seen)
      if (lost !== undefined)
        expect(namesSeen().filter((name) => name.startsWith(lost) && !ours.test(name))).toEqual([])
    }
    expect(namesSeen().filter((name) => /[_.]/.test(name))).toEqual([])
    expect(gateway.errors).toEqual([])
  })
})

/** Headers that we put into every request. */
const ours = /^x-(forwarded|request)-/

function namesSeen(): string[] {
  return behind.requests.flatMap(({ headers }) => headers.map(([name]) => name))
}
