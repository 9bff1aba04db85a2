/**
 * Ten thousand answers that no one would think of, from an upstream and from an auth service, to clients over h1 and
 * h2, through two gateway threads of a whole program. Whatever comes: every exchange ends within its time, with an
 * answer or a cut that the client can see; no client gets the answer to another request; what is one whole answer is
 * the same over both; no thread is lost.
 */
import { Agent, get, type IncomingMessage } from 'node:http'
import { type ClientHttp2Session, connect as connectH2, type IncomingHttpHeaders } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rootCertificate } from '../e2e/support/clients.ts'
import { type Gatehouse, startGatehouse } from '../e2e/support/gatehouse.ts'
import { type RandomAnswer, randomAnswer } from './random-answers.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e6))
const count = Number(process.env.ANSWERS ?? 10_000)
/** Exchanges at once. */
const width = 32
/** Milliseconds; the gateway's own limits are 4 s, and the machine may be busy. */
const patience = 20_000

interface Outcome {
  /** `cut` if the answer was not seen to be whole. */
  readonly ending: 'whole' | 'cut' | 'late'
  readonly status: number
  readonly fields: readonly (readonly [string, string])[]
  readonly body: string
}

const sockets = new Set<Socket>()
/** Upstream and auth service in one; knows by the path which answer is wanted. */
const upstream = createServer((socket) => {
  sockets.add(socket)
  socket.on('close', () => sockets.delete(socket))
  socket.on('error', () => {})
  let seen = ''
  socket.on('data', (chunk) => {
    seen += chunk.toString('latin1')
    if (!seen.includes('\r\n\r\n')) return
    const [, n] = /(?:^x-forwarded-uri: |^GET )\/(?:proxied|guarded)\/(\d+)/im.exec(seen) ?? []
    const verified = !seen.startsWith('GET /verify') && seen.includes('/guarded/')
    seen = ''
    if (verified) socket.write('HTTP/1.1 200 OK\r\nX-Passed: yes\r\nContent-Length: 6\r\n\r\npassed')
    else answer(socket, randomAnswer(seed, Number(n)))
  })
})

function answer(socket: Socket, { bytes, afterwards }: RandomAnswer): void {
  if (afterwards === 'ends') return void socket.end(bytes, 'latin1')
  socket.write(bytes, 'latin1', () => afterwards === 'resets' && socket.resetAndDestroy())
}

let gatehouse: Gatehouse
let http: number
const agent = new Agent({ keepAlive: true, maxSockets: width })
const h2: ClientHttp2Session[] = []
let openH2 = (): ClientHttp2Session => {
  throw new Error('not started')
}

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const to = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:0" }, https: { address: "127.0.0.1:0", tls: true } }
  limits: { stallTimeout: 4s }
  accessLog: false
  compression: false
  routes:
    - { path: /guarded/*, auth: { forward: "${to}/verify", copy: [X-A, Set-Cookie], timeout: 4s }, to: "${to}", timeouts: { response: 4s } }
    - { path: /*, to: "${to}", timeouts: { response: 4s } }
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  await gatehouse.ready()
  http = Number(new URL(await gatehouse.url('http')).port)
  const https = Number(new URL(await gatehouse.url('https')).port)
  const ca = rootCertificate(`${gatehouse.folder}/storage`)
  openH2 = () => {
    const session = connectH2(`https://localhost:${https}`, {
      ca,
      maxHeaderListPairs: 10_000,
      settings: { maxHeaderListSize: 1_000_000 },
    })
    session.on('error', () => {})
    session.setMaxListeners(0)
    return session
  }
  for (let i = 0; i < 4; i += 1) h2.push(openH2())
}, 60_000)

afterAll(async () => {
  agent.destroy()
  for (const session of h2) session.destroy()
  await gatehouse.stop()
  for (const socket of sockets) socket.destroy()
  upstream.close()
})

function over(protocol: 'h1' | 'h2', path: string): Promise<Outcome> {
  const late: Outcome = { ending: 'late', status: 0, fields: [], body: '' }
  const { promise, resolve } = Promise.withResolvers<Outcome>()
  const timer = setTimeout(() => resolve(late), patience)
  const heard = protocol === 'h1' ? overH1(path) : overH2(path)
  return Promise.race([promise, heard]).finally(() => clearTimeout(timer))
}

async function overH1(path: string): Promise<Outcome> {
  let status = 0
  try {
    const message = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port: http, path, agent, maxHeaderSize: 1_000_000 }, resolve).on('error', reject)
    })
    status = message.statusCode ?? 0
    const { rawHeaders: raw } = message
    return { ending: 'whole', status, fields: pairs(raw), body: await read(message) }
  } catch {
    return { ending: 'cut', status, fields: [], body: '' }
  }
}

async function overH2(path: string): Promise<Outcome> {
  const place = Number(path.split('/').at(-1)) % h2.length
  if (h2[place]?.closed || h2[place]?.destroyed) h2[place] = openH2()
  let status = 0
  try {
    const stream = (h2[place] as ClientHttp2Session).request({ ':path': path })
    const [fields, raw] = await new Promise<[IncomingHttpHeaders, string[]]>((resolve, reject) => {
      stream.on('response', (received, _flags, rawHeaders) => resolve([received, rawHeaders as unknown as string[]]))
      stream.on('error', reject)
      stream.on('close', () => reject(new Error(`closed with ${stream.rstCode}`)))
    })
    status = Number(fields[':status'])
    const body = await read(stream)
    if (stream.rstCode !== 0) throw new Error(`reset with ${stream.rstCode}`)
    return { ending: 'whole', status, fields: pairs(raw), body }
  } catch {
    return { ending: 'cut', status, fields: [], body: '' }
  }
}

async function read(stream: Readable): Promise<string> {
  let body = ''
  for await (const chunk of stream.setEncoding('latin1')) body += chunk
  return body
}

/** Without pseudo-headers and what each connection, and each answer of the gateway, has of its own. */
function pairs(raw: readonly string[]): [string, string][] {
  const own = new Set(['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'x-request-id', 'date'])
  return Array.from({ length: raw.length / 2 }, (_, i): [string, string] => [
    (raw[2 * i] ?? '').toLowerCase(),
    raw[2 * i + 1] ?? '',
  ]).filter(([name]) => !name.startsWith(':') && !own.has(name))
}

/** What was not as it must be. */
function wrongOf(path: string, wanted: RandomAnswer, h1: Outcome, second: Outcome): string[] {
  const wrong: string[] = []
  const n = path.split('/').at(-1)
  for (const [protocol, outcome] of [
    ['h1', h1],
    ['h2', second],
  ] as const) {
    if (outcome.ending === 'late') wrong.push(`over ${protocol} it did not end`)
    const foreign = outcome.fields.find(([name, value]) => name === 'x-n' && value !== n)
    if (foreign) wrong.push(`over ${protocol} it was answered with that of ${foreign[1]}`)
  }
  // From an auth service 2xx lets the request pass, and what is copied is for the upstream.
  if (wanted.sound && JSON.stringify(h1) !== JSON.stringify(second))
    wrong.push(`over h1 and h2 it differs: ${JSON.stringify(h1)} ${JSON.stringify(second)}`)
  const { legal } = wanted
  if (!legal || path.startsWith('/guarded/')) return wrong
  const fields = legal.fields.filter(([name]) => name !== 'Date').map(([name, value]) => [name.toLowerCase(), value])
  const arrived = { ending: 'whole', status: legal.status, fields, body: legal.body }
  if (JSON.stringify(h1) !== JSON.stringify(arrived))
    wrong.push(`it is legal and did not arrive: ${JSON.stringify(h1)}, not ${JSON.stringify(arrived)}`)
  return wrong
}

it(`${count} random answers: every exchange ends, whole ones are the same over h1 and h2, no thread is lost`, async () => {
  const wrong: string[] = []
  const endings: Record<string, number> = {}
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let n = next++; n < count && wrong.length < 20; n = next++) {
        // Every third one is that of an auth service.
        const path = `/${n % 3 === 0 ? 'guarded' : 'proxied'}/${n}`
        const [h1, second] = await Promise.all([over('h1', path), over('h2', path)])
        for (const { ending, status } of [h1, second])
          endings[`${ending} ${status}`] = (endings[`${ending} ${status}`] ?? 0) + 1
        const answer = randomAnswer(seed, n)
        for (const what of wrongOf(path, answer, h1, second))
          wrong.push(
            `${path}: ${what}\n  the answer was ${JSON.stringify(answer.bytes.slice(0, 600))}, which ${answer.afterwards}`,
          )
      }
    }),
  )
  if (process.env.SEED) console.log(endings)
  expect(wrong, `SEED=${seed}`).toEqual([])
  expect(
    gatehouse.lines.filter(({ level }) => level === 'error' || level === 'fatal'),
    `SEED=${seed}`,
  ).toEqual([])
}, 120_000)
