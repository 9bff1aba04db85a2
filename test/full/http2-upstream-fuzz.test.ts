/**
 * Random frames of HTTP/2 upstreams, most of which break the protocol. Whatever comes: every request is answered or cut,
 * none waits, and the gateway goes on.
 */
import { afterAll, expect, it } from 'vitest'
import { type Field, fieldBlock, flags, frame, frameTypes } from '../faults/gateway/h2-wire.ts'
import { ask } from '../gateway/clients.ts'
import { good } from '../gateway/proxy/http2/frames.ts'
import { wireUpstream } from '../gateway/proxy/http2/wire-upstream.ts'
import { cleanUp, proxyTo, startGateway } from '../gateway/support.ts'

afterAll(cleanUp)

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31))
const count = Number(process.env.ANSWERS ?? 20_000)
/** Requests at once. */
const width = 16

/** A generator of numbers below 1 (mulberry32). */
function randomNumbers(from: number): () => number {
  let state = from
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = randomNumbers(seed)
const below = (limit: number) => Math.floor(random() * limit)
const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T
const types = Object.keys(frameTypes) as (keyof typeof frameTypes)[]
const names = [':status', ':status', ':path', 'x-a', 'X-A', 'connection', 'content-length', 'set-cookie', '', 'a b']
const values = ['200', '200', '204', '103', '099', '', '5', 'x'.repeat(3_000), 'a\nb']

function randomBytes(length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(256)))
}

function payloadOf(type: keyof typeof frameTypes): Buffer {
  if (random() < 0.1) return randomBytes(below(40))
  switch (type) {
    case 'headers':
    case 'continuation': {
      const fields = Array.from({ length: below(6) }, (): Field => [pick(names), pick(values)])
      return fieldBlock(random() < 0.6 ? [[':status', '200'], ...fields.slice(0, 1)] : fields)
    }
    case 'data':
      return Buffer.alloc(below(random() < 0.1 ? 16_384 : 30), 'd')
    case 'settings':
      return Buffer.concat(
        Array.from({ length: below(3) }, () => Buffer.from([0, below(8), 0, below(2), below(256), below(256)])),
      )
    case 'ping':
      return randomBytes(8)
    case 'goAway':
      return Buffer.concat([Buffer.from([0, 0, 0, below(20)]), Buffer.from([0, 0, 0, below(3)])])
    default:
      return Buffer.from([0, 0, below(3), below(256)])
  }
}

function randomFrame(stream: number): Buffer {
  const type = random() < 0.6 ? pick(['headers', 'data'] as const) : pick(types)
  const ofConnection = type === 'settings' || type === 'ping' || type === 'goAway'
  const usual = ofConnection ? 0 : stream
  return frame(type, {
    stream: random() < 0.9 ? usual : below(stream + 4),
    flags:
      random() < 0.8 ? pick([0, flags.endStream, flags.endHeaders, flags.endHeaders | flags.endStream]) : below(256),
    payload: payloadOf(type),
  })
}

it(`${count} answers of random frames (SEED=${seed})`, { timeout: 3_600_000 }, async () => {
  let harmless = false
  const upstream = await wireUpstream((connection, stream, request) => {
    if (harmless) {
      good(connection, stream, request)
      return
    }
    const frames = Array.from({ length: 1 + below(6) }, () => randomFrame(stream))
    const bytes = Buffer.concat(frames)
    // In two pieces, which may part a frame.
    const at = below(bytes.length)
    connection.write(bytes.subarray(0, at))
    connection.write(bytes.subarray(at))
    if (random() < 0.1) connection.socket.destroy()
  })
  const timeouts = { connect: 2_000, response: 500 }
  const gateway = await startGateway({
    routes: [proxyTo(0, { origin: upstream.origin, timeouts })],
    limits: { answerHeaders: 8_000, stallTimeout: 1_000 },
  })
  let left = count
  const seen = new Map<string, number>()
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left > 0) {
        left -= 1
        const method = random() < 0.3 ? 'POST' : 'GET'
        const body = method === 'POST' ? Buffer.alloc(below(100_000)) : undefined
        const asking = { method, ...(body && { body }) }
        const ending = await ask(gateway, pick(['h1', 'h2'] as const), asking).then(
          ({ status }) => String(status),
          () => 'cut',
        )
        seen.set(ending, (seen.get(ending) ?? 0) + 1)
      }
    }),
  )
  expect([...seen.keys()].filter((ending) => !/^(200|204|502|503|504|cut)$/.test(ending))).toEqual([])
  expect(seen.get('200')).toBeGreaterThan(0)
  expect(seen.get('502')).toBeGreaterThan(0)
  harmless = true
  // A connection may have been left without a window, or in the middle of a header block.
  for (let round = 0; round < 20; round++) await ask(gateway, 'h2').catch(() => {})
  expect(await ask(gateway, 'h2')).toMatchObject({ status: 200, body: 'good' })
})
