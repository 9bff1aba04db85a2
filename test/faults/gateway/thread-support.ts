/**
 * Gatehouse with two gateway threads, a child, and requests that do to a thread what no request should be able to do.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, projectFolder, source, startGatehouse } from '../../e2e/support/gatehouse.ts'
import type { LogLine } from '../../e2e/support/log-lines.ts'

const [node = '', ...main] = source
const faults = `${projectFolder}/test/fixtures/thread-faults.js`
const upstream = `${projectFolder}/test/e2e/programs/upstream.js`

export interface Threads {
  readonly gatehouse: Gatehouse
  readonly port: number
  /** Of the listener with TLS, if it was asked for. */
  readonly https: number
  /** A second free port. */
  readonly spare: number
  /** The value that stands behind this name and these labels on the metrics page. */
  metric(name: string): Promise<number | undefined>
  /** Puts a fault into the folder that the threads look into. */
  arm(fault: 'dies' | 'refuses', text: string): void
  disarm(fault: 'dies' | 'refuses'): void
  /** The pid of the child behind the route. */
  readonly child: number
  stop(): Promise<void>
}

export interface ThreadsOptions {
  readonly threads: number
  /** A second listener, with TLS and h2, whose clients must not verify it. */
  readonly tls?: boolean
}

export async function startThreads({ threads, tls = false }: ThreadsOptions): Promise<Threads> {
  const [http = 0, https = 0, api = 0, spare = 0] = await freePorts(4)
  const secure = tls ? `, https: { address: "127.0.0.1:${https}", tls: true }` : ''
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-faults-'))
  const gatehouse = startGatehouse({
    command: [node, '--import', faults, ...main],
    env: { FAULTS: folder },
    config: `
gateway:
  threads: ${threads}
  listeners: { http: { address: "127.0.0.1:${http}" }${secure} }
  routes: [{ path: /*, to: api }]
processes:
  api: { command: [node, ${upstream}], port: ${api}, ready: { http: /health, every: 20ms } }
${tls ? 'certificates: [{ domains: [localhost], use: [{ internal: {} }] }]' : ''}
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: 127.0.0.1:0 }
`,
  })
  await gatehouse.ready().catch(async (error) => {
    await gatehouse.stop()
    throw error
  })
  const { url } = await gatehouse.waitFor({ message: 'metrics' })
  return {
    async metric(name) {
      const page = await (await fetch(String(url))).text()
      const line = page.split('\n').find((one) => one.startsWith(`${name} `))
      return line === undefined ? undefined : Number(line.slice(name.length))
    },
    gatehouse,
    port: http,
    https,
    spare,
    child: gatehouse.pidOf('api'),
    arm: (fault, text) => writeFileSync(join(folder, fault), text),
    disarm: (fault) => rmSync(join(folder, fault)),
    async stop() {
      await gatehouse.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

export interface Answer {
  readonly status: number
  /** The gateway thread that answered. */
  readonly thread: string
  readonly body: string
  /** Its X-Version. */
  readonly version: string | undefined
}

/** A client with one connection, which therefore stays with one gateway thread. */
export class Connection {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #port: number

  constructor(port: number) {
    this.#port = port
  }

  ask(path: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = get({ port: this.#port, host: '127.0.0.1', path, agent: this.#agent }, (response) => {
        read(response).then((body) => resolve(answerOf(response, body)), reject)
      })
      request.once('error', reject)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, body: string): Answer {
  const version = headers['x-version'] as string | undefined
  return { status: statusCode, thread: String(headers['x-thread']), body, version }
}

async function read(response: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of response.setEncoding('utf8')) body += chunk
  return body
}

/** Two connections that two different threads answer. The kernel spreads them by a hash, so it takes a few tries. */
export async function onTwoThreads(port: number): Promise<{ one: Connection; other: Connection; names: string[] }> {
  const one = new Connection(port)
  const first = (await one.ask('/pid')).thread
  for (let tries = 0; tries < 200; tries += 1) {
    const other = new Connection(port)
    const { thread } = await other.ask('/pid')
    if (thread !== first) return { one, other, names: [first, thread] }
    other.close()
  }
  throw new Error(`every connection went to gateway thread ${first}`)
}

export interface Probe {
  /** Answers so far: milliseconds each took. */
  readonly durations: readonly number[]
  readonly failures: readonly string[]
  stop(): Promise<void>
}

/** Asks on a connection again and again, and notes everything that is not the child's own answer. */
export function probe(connection: Connection, pid: number): Probe {
  const durations: number[] = []
  const failures: string[] = []
  let on = true
  const asking = (async () => {
    while (on) {
      const started = performance.now()
      try {
        const { status, body } = await connection.ask('/pid')
        if (status !== 200 || body !== String(pid)) failures.push(`${status} ${body}`)
      } catch (error) {
        failures.push(String(error))
      }
      durations.push(performance.now() - started)
      await pause(10)
    }
  })()
  return {
    durations,
    failures,
    async stop() {
      on = false
      await asking
      connection.close()
    },
  }
}

/** Milliseconds between two lines of the log. */
export function between(from: LogLine, to: LogLine): number {
  return Date.parse(String(to.time)) - Date.parse(String(from.time))
}

/**
 * A second, or more if the machine is so busy that Gatehouse's own start, which loads a thread too, took that long.
 */
export function oneSecond({ lines }: Gatehouse): number {
  const begun = lines.find(({ message }) => message.startsWith('starting gatehouse '))
  const listened = lines.find(({ message }) => message === 'listening')
  if (!begun || !listened) throw new Error('Gatehouse has not logged that it is listening')
  return Math.max(1_000, 2 * between(begun, listened))
}
