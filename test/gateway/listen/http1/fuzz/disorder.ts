/**
 * Clients that send requests of every kind behind each other, cut anywhere, and that may leave at any moment; and an
 * upstream that takes note of what arrives. Whatever they do: each answer is that to its request, no request arrives
 * twice or with a body that is not its own, and no connection stays.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import { type Http1Client, openHttp1 } from '../../../clients.ts'
import { one, randomFrom } from '../../../proxy/client/mutations.ts'
import { parse } from '../../../proxy/client/parsed.ts'
import { host, proxyTo, type RunningGateway, startGateway } from '../../../support.ts'
import { upstream } from '../../../upstreams.ts'

export interface Sent {
  readonly id: string
  readonly method: string
  readonly bytes: string
  readonly body: string
  /** Statuses of the gateway's own; without, the answer is the upstream's. */
  readonly refused?: readonly number[]
  /** Its upstream cuts its answer. */
  readonly cut?: boolean
  /** An upgrade is over when its client ends its side. */
  readonly upgrade?: boolean
}

export interface Disorder {
  readonly gateway: RunningGateway
  /** What was wrong; empty. */
  readonly faults: string[]
  /** Complete answers of upstreams and of the gateway. */
  answers: number
}

const limits = { requestHeaders: 2_000, headerTimeout: 2_000, idleTimeout: 100, stallTimeout: 2_000 }
const largest = 60_000
/** Of large answers: more than sockets take at once from a client that does not read. */
const large = 300_000

export async function startDisorder(): Promise<Disorder> {
  const faults: string[] = []
  const bodies = new Map<string, number>()
  const behind = await upstream((request, response) => void serve(request, response, bodies, faults))
  behind.server.on('upgrade', (request: IncomingMessage, socket) => {
    socket.on('error', () => {})
    socket.end(`HTTP/1.1 200 OK\r\nX-Id: ${request.headers['x-id']}\r\nContent-Length: 0\r\n\r\n`)
  })
  const gateway = await startGateway({ routes: [proxyTo(behind.port)], limits, guards: { requestBody: largest } })
  return { gateway, faults, answers: 0 }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  seen: Map<string, number>,
  faults: string[],
): Promise<void> {
  const id = String(request.headers['x-id'])
  response.on('error', () => {})
  request.on('error', () => {})
  // A request without a body may be repeated if the connection that it was sent on breaks.
  const times = (seen.get(id) ?? 0) + 1
  seen.set(id, times)
  if (times > 1 && request.method === 'POST') faults.push(`${id} arrived ${times} times`)
  const kind = request.url ?? ''
  const answer = bodyOf(id, kind === '/large' ? large : 50)
  response.setHeader('x-id', id)
  response.setHeader('x-length', answer.length)
  if (kind === '/early') response.end(answer)
  let body = ''
  request.setEncoding('latin1')
  try {
    for await (const piece of request) body += piece
  } catch {
    return
  }
  if (!request.complete) return
  if (
    body !== bodyOf(id, body.length) ||
    (request.method === 'POST' && String(body.length) !== request.headers['x-length'])
  )
    faults.push(`${id} arrived with ${body.length} bytes that are not its own`)
  if (kind === '/304' || kind === '/204') response.writeHead(Number(kind.slice(1))).end()
  else if (kind === '/cut') {
    response.writeHead(200, { 'content-length': answer.length })
    response.write(answer.slice(0, -1))
    setImmediate(() => response.socket?.destroy())
  } else if (kind === '/broken') response.socket?.destroy()
  else if (kind === '/chunked') {
    response.write(answer.slice(0, 20))
    await turn()
    if (request.method !== 'HEAD') response.addTrailers({ 'x-sum': '1' })
    response.end(answer.slice(20))
  } else if (!response.writableEnded) response.end(answer)
}

/** Differs from that of every other request. */
function bodyOf(id: string, length: number): string {
  return `${id}.`.repeat(Math.ceil(length / (id.length + 1))).slice(0, length)
}

function requestOf(id: string, random: () => number): Sent {
  const start = (line: string, more = '') => `${line} HTTP/1.1\r\nHost: ${host}\r\nX-Id: ${id}\r\n${more}`
  const bare = (line: string, more = '') => ({
    id,
    method: line.split(' ')[0] as string,
    bytes: `${start(line, more)}\r\n`,
    body: '',
  })
  const post = (path: string, length: number, more = '', how = random() < 0.5): Sent => {
    const body = bodyOf(id, length)
    const fields = `${more}X-Length: ${length}\r\n${how ? `Content-Length: ${length}` : 'Transfer-Encoding: chunked'}\r\n\r\n`
    return { id, method: 'POST', body, bytes: start(`POST ${path}`, fields) + (how ? body : inChunks(body, random)) }
  }
  const length = Math.floor(random() * (random() < 0.2 ? largest : 50))
  switch (Math.floor(random() * 20)) {
    case 0:
      return bare(`GET ${one(['/', '/chunked', '/304', '/204', '/large'], random)}`, 'Connection: close\r\n')
    case 1:
      return bare(`HEAD ${one(['/', '/chunked', '/304', '/204', '/large'], random)}`)
    case 2:
      return post('/', length, 'Expect: 100-continue\r\n')
    case 3:
      return { ...post('/', largest + 1 + length), refused: [413] }
    case 4:
      return { ...bare('GET /', `X-Large: ${'x'.repeat(2_000)}\r\n`), refused: [431] }
    case 5:
      return { ...bare('POST /', 'Transfer-Encoding: gzip, chunked\r\n'), refused: [501] }
    case 6:
      return post('/early', length)
    case 7:
      return {
        ...bare('GET /', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'),
        upgrade: true,
      }
    case 8: {
      const { bytes, ...others } = bare('GET /', 'Connection: keep-alive\r\n')
      return { ...others, bytes: bytes.replace('HTTP/1.1', 'HTTP/1.0') }
    }
    case 9:
      return { ...bare('BREW /'), refused: [501] }
    case 10:
      return { ...bare('GET /', 'Bad : field\r\n'), refused: [400] }
    case 11:
      return { ...bare('GET /cut'), cut: true, refused: [502] }
    case 12:
      return { ...bare('GET /broken'), refused: [502] }
    case 13:
      return { ...post('/broken', length), refused: [502] }
    case 14:
      return { ...bare('GET /', 'Expect: tea\r\n'), refused: [417] }
    case 15: {
      const sent = bare('GET /')
      return { ...sent, bytes: `\r\n${sent.bytes}` }
    }
    case 16:
    case 17:
      return post(one(['/', '/chunked', '/204', '/large'], random), length)
    default:
      return bare(`GET ${one(['/', '/chunked', '/304', '/204', '/large'], random)}`)
  }
}

function inChunks(body: string, random: () => number): string {
  let chunks = ''
  for (let at = 0; at < body.length; ) {
    const piece = body.slice(at, at + 1 + Math.floor(random() * 1_000))
    chunks += `${piece.length.toString(16)}${random() < 0.1 ? ';a=b' : ''}\r\n${piece}\r\n`
    at += piece.length
  }
  return `${chunks}0\r\n${random() < 0.3 ? 'X-Sum: 1\r\n' : ''}\r\n`
}

/** One client; returns when its connection is closed. */
export async function sendInDisorder(disorder: Disorder, way: 'h1' | 'h1s', seed: number): Promise<void> {
  const random = randomFrom(seed)
  const requests = Array.from({ length: 1 + Math.floor(random() * 6) }, (_, i) => requestOf(`r${seed}-${i}`, random))
  const bytes = Buffer.from(requests.map((request) => request.bytes).join(''), 'latin1')
  const leaves = random() < 0.3 ? Math.floor(random() * bytes.length) : undefined
  const client = openHttp1(disorder.gateway, way)
  let received = ''
  const reads = random() < 0.7
  client.socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    if (reads) return
    client.socket.pause()
    setImmediate(() => client.socket.resume())
  })
  // Not once(): a reset is no failure of this test.
  const closed = new Promise((resolve) => client.wire.once('close', resolve))
  client.socket.on('end', () => client.socket.end())
  await once(client.socket, way === 'h1' ? 'connect' : 'secureConnect')
  const ends = leaves === undefined && random() < 0.3
  await send(client, bytes.subarray(0, leaves), random)
  if (leaves !== undefined) await leave(client, random)
  else if (ends) client.socket.end()
  await closed
  const cause = check(disorder, requests, received, { left: leaves !== undefined, ends })
  if (cause)
    disorder.faults.push(
      `seed ${seed} over ${way}: ${cause}\n${JSON.stringify(String(bytes))}\n${JSON.stringify(received)}`,
    )
}

async function send({ socket }: Http1Client, bytes: Buffer, random: () => number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = random() < 0.5 ? 1 + Math.floor(random() * 30) : bytes.length
    socket.write(bytes.subarray(at, at + length))
    at += length
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await turn()
  }
}

async function leave({ socket, wire }: Http1Client, random: () => number): Promise<void> {
  for (let turns = Math.floor(random() * 20); turns > 0; turns--) await turn()
  if (random() < 0.3) socket.end()
  else if (random() < 0.5) wire.resetAndDestroy()
  else socket.destroy()
}

function check(
  disorder: Disorder,
  requests: readonly Sent[],
  received: string,
  { left, ends }: { readonly left: boolean; readonly ends: boolean },
): string | undefined {
  let rest: string | undefined = received
  for (const { id, method, refused, cut, upgrade } of requests) {
    if (rest === undefined) return left ? undefined : `${id} was not answered`
    const answer = parse([Buffer.from(rest, 'latin1')], true, { method })
    if (!answer.complete)
      return left || cut || (upgrade && ends) ? undefined : `the answer to ${id} is not complete: ${answer.error}`
    disorder.answers += 1
    const own = fieldOf(answer.fields, 'x-id')
    const status = answer.status ?? 0
    if (own === undefined ? !refused?.includes(status) && !(left && status >= 400) : own !== id)
      return `the answer to ${id} is another one's: ${status}`
    const length = Number(fieldOf(answer.fields, 'x-length'))
    if (own !== undefined && answer.body !== '' && answer.body !== bodyOf(id, length))
      return `the body of the answer to ${id} is not its own`
    if (own !== undefined && answer.body === '' && method !== 'HEAD' && status === 200 && !upgrade)
      return `the answer to ${id} has no body`
    rest = answer.rest
    if (answer.keepAlive === false) break
  }
  return rest === undefined ? undefined : `bytes behind the last answer: ${JSON.stringify(rest)}`
}

function fieldOf(fields: readonly string[] = [], wanted: string): string | undefined {
  return fields.find((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === wanted)
}
