/**
 * The users of an application, for as long as they are let: `node visitors.ts http://HOST:PORT`. Says `all are here` when each
 * kind has been served. For every line on stdin it answers with a line of JSON, a Report of the time since the last one. Ends with stdin.
 *
 * All keep their connections, none tries anything twice: whatever is not answered in full, rightly and with 200 is a failure.
 * Only a WebSocket that is closed with 1001 and an event stream that ends as a whole answer are opened anew, as browsers do.
 */
import { randomBytes } from 'node:crypto'
import { Agent, type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import WebSocket from 'ws'

export interface Report {
  /** Answered requests, by what they asked for. */
  readonly answers: Readonly<Record<string, number>>
  /** Messages that came back over WebSockets, events that came in order. */
  readonly messages: number
  readonly events: number
  /** WebSockets and event streams that were opened anew after a polite end. */
  readonly reopened: Readonly<{ sockets: number; streams: number }>
  /** What the upstreams took for the client's address. */
  readonly addresses: readonly string[]
  /** Milliseconds. */
  readonly slowest: number
  readonly failures: readonly string[]
}

interface Options {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: Buffer
}

const [base = ''] = process.argv.slice(2)
let report = blank()
let over = false

function blank() {
  return {
    answers: {} as Record<string, number>,
    messages: 0,
    events: 0,
    reopened: { sockets: 0, streams: 0 },
    addresses: [] as string[],
    slowest: 0,
    failures: [] as string[],
  } satisfies Report
}

/** Resolves with the answer when its head has come. */
function ask(agent: Agent, path: string, { method, headers, body }: Options = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(base + path, { agent, ...(method && { method }), ...(headers && { headers }) })
    sent.once('response', resolve).once('error', reject).end(body)
  })
}

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk) // rejects if it is cut
  return Buffer.concat(chunks)
}

/** One after the other over one connection; `right` says what is wrong with a body, or nothing. */
async function visit(
  path: string,
  rest: number,
  options: Options,
  right: (body: Buffer) => string | undefined,
): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  while (!over) {
    const began = performance.now()
    try {
      const answer = await ask(agent, path, options)
      const wrong = right(await bodyOf(answer)) ?? (answer.statusCode === 200 ? undefined : answer.statusCode)
      if (wrong === undefined) report.answers[path] = (report.answers[path] ?? 0) + 1
      else report.failures.push(`${path}: ${wrong}`)
    } catch (error) {
      report.failures.push(`${path}: ${error}`)
    }
    if (!path.includes('slow')) report.slowest = Math.max(report.slowest, performance.now() - began)
    await pause(rest)
  }
  agent.destroy()
}

function noteAddress(body: Buffer): string | undefined {
  try {
    const address = String(JSON.parse(body.toString()).headers['x-forwarded-for'])
    if (!report.addresses.includes(address)) report.addresses.push(address)
    return undefined
  } catch {
    return `no JSON: ${body.toString().slice(0, 80)}`
  }
}

/** Opens it anew each time the server has gone away. */
async function converse(path: string): Promise<void> {
  while (!over) {
    const code = await new Promise<number | string>((resolve) => {
      const socket = new WebSocket(base.replace(/^http/, 'ws') + path)
      let sent = 0
      const talk = () => socket.readyState === WebSocket.OPEN && socket.send(String(++sent))
      socket.on('open', talk)
      socket.on('message', (message) => {
        if (String(message) !== String(sent)) report.failures.push(`${path}: ${message} came back and not ${sent}`)
        report.messages += 1
        setTimeout(talk, 20)
      })
      socket.on('error', (error) => resolve(String(error)))
      socket.on('close', resolve)
    })
    if (code === 1001) report.reopened.sockets += 1
    else report.failures.push(`${path}: the WebSocket was closed with ${code}`)
    await pause(50)
  }
}

/** Goes on where it was, after an end that was one. */
async function follow(path: string): Promise<void> {
  let last = 0
  while (!over) {
    const agent = new Agent()
    try {
      const answer = await ask(agent, path, { headers: { 'last-event-id': String(last) } })
      if (answer.statusCode !== 200) report.failures.push(`${path}: ${answer.statusCode}`)
      for await (const line of createInterface({ input: answer })) {
        const [, id] = /^id: (\d+)$/.exec(line) ?? []
        if (id === undefined) continue
        if (Number(id) !== last + 1) report.failures.push(`${path}: event ${id} after ${last}`)
        last = Number(id)
        report.events += 1
      }
      if (!answer.complete) report.failures.push(`${path}: the stream was cut`)
      report.reopened.streams += 1
    } catch (error) {
      report.failures.push(`${path}: ${error}`)
    }
    agent.destroy()
    await pause(50)
  }
}

const upload = randomBytes(200_000)
const forged = { 'x-forwarded-for': '198.51.100.7' }
const sameBody = (body: Buffer) => (body.equals(upload) ? undefined : `${body.length} other bytes came back`)
const says = (text: string) => (body: Buffer) =>
  body.toString() === text ? undefined : `said ${body.toString().slice(0, 80)}`

for (let n = 0; n < 4; n += 1) {
  void visit('/api/v1/seen', 8, { headers: forged }, noteAddress)
  void visit('/static/js/main.1a2b.js', 8, {}, says('console.log(1)\n'))
  void visit('/api/v1/echo', 25, { method: 'POST', body: upload }, sameBody)
  void visit(`/api/v1/slow?ms=${500 + n * 700}`, 1, {}, says('slow'))
  void converse('/rts/socket')
  void follow('/api/v1/events')
}

const paths = 3 + 4
const timer = setInterval(() => {
  const { answers, messages, events } = report
  if (Object.keys(answers).length < paths || messages === 0 || events === 0) return
  clearInterval(timer)
  console.log('all are here')
}, 20)

createInterface({ input: process.stdin })
  .on('line', () => {
    const said = report
    report = blank()
    console.log(JSON.stringify({ ...said, slowest: Math.round(said.slowest) }))
  })
  .on('close', () => {
    over = true
    process.exit()
  })
