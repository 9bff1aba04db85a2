/** Those who use the site while it is harmed: each asks again and again, and judges every answer by itself. */
import { randomBytes } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import WebSocket from 'ws'
import { type Answered, type Client, createClient, type Protocol } from './clients.ts'
import type { Ending, Journal } from './journal.ts'
import { payload, sha256, wrongFile, wrongOf } from './payload.ts'
import { fileNames, host, routeCount, type Site } from './site.ts'

/** No exchange may take longer: above `stallTimeout`, parking, and the 5 s until a hung thread is noticed. */
const patience = 45_000

export interface Stage {
  readonly site: Site
  readonly journal: Journal
  readonly random: () => number
  /** When to leave: after the exchange that is under way. */
  readonly signal: AbortSignal
}

let exchanges = 0

/** Everyone at once; resolves when all have left. */
export async function perform(stage: Omit<Stage, 'random'>, randomFor: (actor: number) => () => number): Promise<void> {
  const client = (protocol: Protocol) => createClient(stage.site, protocol)
  const shared = [client('h2'), client('h2')]
  const visitors = [client('h1'), client('h1'), client('TLS h1'), client('TLS h1'), ...shared, ...shared, ...shared]
  const acts = [
    ...visitors.map((one) => (on: Stage) => visit(on, one)),
    ...[client('h1'), client('TLS h1'), client('h2')].map((one) => (on: Stage) => readFiles(on, one)),
    (on: Stage) => talk(on, 'ws'),
    (on: Stage) => talk(on, 'ws'),
    (on: Stage) => talk(on, 'wss'),
    (on: Stage) => talk(on, 'wss'),
  ]
  await Promise.all(acts.map((act, index) => act({ ...stage, random: randomFor(index) })))
  for (const one of visitors) one.renew()
}

/** Downloads and uploads, from nothing to two megabytes, mostly small. */
async function visit(stage: Stage, client: Client): Promise<void> {
  const { site, random, signal } = stage
  while (!signal.aborted) {
    exchanges += 1
    const id = `x${exchanges}`
    const size = Math.floor(2 ** (random() * 21)) - 1
    const route = Math.floor(random() * (routeCount - 2))
    const limited = random() < 0.1
    const folder = limited ? '/limited' : `/r${route}`
    const innocent = !limited && site.isSteady(route)
    if (random() < 0.05) client.renew()
    if (random() < 0.35) await upload(stage, client, { folder, id, size, innocent })
    else await download(stage, client, { folder, id, size, innocent })
  }
  client.renew()
}

interface Visit {
  readonly folder: string
  readonly id: string
  readonly size: number
  readonly innocent: boolean
}

function download(stage: Stage, client: Client, { folder, id, size, innocent }: Visit): Promise<void> {
  const chunked = stage.random() < 0.5 ? '&chunked=1' : ''
  const pace = stage.random() < 0.05 ? 20 : 0
  const path = `${folder}/download?id=${id}&size=${size}${chunked}`
  return exchange(stage, { what: `${client.protocol} download`, innocent, place: path }, async (limit) => {
    const answer = await client.ask({ method: 'GET', path, pace, signal: limit })
    if (answer.status !== 200) return refusal(answer)
    if (answer.headers['x-id'] !== id) return ['wrong', `answered with the head of ${answer.headers['x-id']}`]
    return judged(wrongOf(answer.body, id, size))
  })
}

function upload(stage: Stage, client: Client, { folder, id, size, innocent }: Visit): Promise<void> {
  const path = `${folder}/upload?id=${id}&size=${size}`
  return exchange(stage, { what: `${client.protocol} upload`, innocent, place: path }, async (limit) => {
    const body = payload(id, size)
    const answer = await client.ask({ method: 'POST', path, body, signal: limit })
    if (answer.status !== 200) return refusal(answer)
    const wanted = JSON.stringify({ id, sha256: sha256(body) })
    return judged(answer.body.toString() === wanted ? undefined : `${answer.body}, not ${wanted}`)
  })
}

async function readFiles(stage: Stage, client: Client): Promise<void> {
  const { random, signal } = stage
  const all = [...fileNames.renamed, ...fileNames.inPlace]
  while (!signal.aborted) {
    const name = all[Math.floor(random() * all.length)] ?? ''
    const inPlace = name.startsWith('in-place')
    const headers: Record<string, string> = random() < 0.3 ? { 'accept-encoding': 'gzip' } : {}
    const what = `${client.protocol} file ${inPlace ? 'in place' : 'renamed'}`
    if (random() < 0.05) client.renew()
    // One that is written in place is cut while it is sent, as it must be.
    await exchange(stage, { what, innocent: !inPlace, place: name }, async (limit) => {
      const answer = await client.ask({ method: 'GET', path: `/files/${name}`, headers, signal: limit })
      if (answer.status !== 200) return refusal(answer)
      const body = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(answer.body) : answer.body
      return judged(wrongFile(body, { beginning: inPlace }))
    })
    await rest(20 * random())
  }
  client.renew()
}

/** One WebSocket after the other, each for some messages, which must come back as they were, in their order. */
async function talk(stage: Stage, scheme: 'ws' | 'wss'): Promise<void> {
  const { site, random, signal } = stage
  const tls: ConnectionOptions = { ca: site.ca, servername: host }
  while (!signal.aborted) {
    const route = Math.floor(random() * (routeCount - 2))
    const address = `${scheme}://127.0.0.1:${scheme === 'ws' ? site.http : site.https}/r${route}/socket`
    const messages = Array.from({ length: 1 + Math.floor(random() * 40) }, () =>
      randomBytes(Math.floor(2 ** (random() * 16))),
    )
    await exchange(
      stage,
      { what: `${scheme} conversation`, innocent: site.isSteady(route), place: address },
      async (limit) => {
        const socket = new WebSocket(address, [], { ...tls, headers: { host }, maxPayload: 1e6 })
        limit.addEventListener('abort', () => socket.terminate())
        try {
          return judged(await echoes(socket, messages, () => rest(30 * random())))
        } finally {
          socket.terminate()
        }
      },
    )
  }
}

/** What is wrong with the echoes; rejects if the conversation is cut. */
async function echoes(socket: WebSocket, messages: readonly Buffer[], pause: () => Promise<void>) {
  const { promise: lost, reject } = Promise.withResolvers<never>()
  lost.catch(() => {})
  socket.on('error', reject)
  socket.on('close', (code) => reject(new Error(`closed with ${code}`)))
  await Promise.race([new Promise((resolve) => socket.once('open', resolve)), lost])
  for (const [index, message] of messages.entries()) {
    const received = new Promise<Buffer>((resolve) => socket.once('message', (echo) => resolve(echo as Buffer)))
    socket.send(message)
    const echo = await Promise.race([received, lost])
    if (!echo.equals(message)) return `message ${index} of ${message.length} bytes came back as ${echo.length} others`
    await pause()
  }
  return undefined
}

interface Kind {
  readonly what: string
  readonly innocent: boolean
  readonly place: string
}

async function exchange(
  { journal }: Stage,
  { what, innocent, place }: Kind,
  act: (limit: AbortSignal) => Promise<readonly [Ending, string]>,
): Promise<void> {
  const from = performance.now()
  const limit = AbortSignal.timeout(patience)
  const [ending, detail] = await act(limit).catch((error: Error) => {
    return [limit.aborted ? 'late' : 'cut', `${(error as { code?: string }).code ?? ''} ${error.message}`] as const
  })
  journal.add({ what, innocent, from, to: performance.now(), ending, detail: `${place}: ${detail}` })
  // Whoever is refused comes back a moment later and not at once.
  if (ending !== 'whole') await rest(100)
}

/** What the gateway itself may say; anything else is the answer to another question. */
const refusals = new Set([408, 429, 502, 503, 504])

function refusal({ status, body }: Answered): readonly [Ending, string] {
  return [refusals.has(status) ? 'refused' : 'wrong', `${status} ${body.toString('latin1', 0, 200)}`]
}

function judged(wrong: string | undefined): readonly [Ending, string] {
  return wrong === undefined ? ['whole', ''] : ['wrong', wrong]
}

function rest(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
