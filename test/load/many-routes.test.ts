import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as rest } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, h1Client, h2Client, rootCertificate } from '../e2e/support/clients.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

/** Proxy, files, redirect, an answer of our own; by path and by host. The last route goes to the program. */
function config(api: number, count: number, version: string): string {
  const kinds = [
    (n: number) => `{ path: /proxy${n}/*, to: api }`,
    (n: number) => `{ path: /files${n}/*, files: { root: ., only: existing } }`,
    (n: number) => `{ path: /old${n}, redirect: { to: "/new${n}", status: 301 } }`,
    (n: number) => `{ path: /answer${n}, respond: { status: 200, body: "${n}" } }`,
    (n: number) => `{ host: [h${n}.example, "*.h${n}.example"], to: api, deny: [10.0.0.0/8] }`,
  ] as const
  const routes = Array.from({ length: count }, (_, n) => `    - ${kinds[n % kinds.length]?.(n)}`)
  return `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:0" }, https: { address: "127.0.0.1:0", tls: true } }
  response: { headers: { X-Version: "${version}" } }
  routes:
${routes.join('\n')}
    - { path: /*, to: api }
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
processes:
  api: { command: [node, ${projectFolder}/test/e2e/programs/upstream.js], port: ${api}, ready: { http: /health, every: 20ms } }
storage: ./storage
control: { socket: ./control.sock }
`
}

/**
 * CPU seconds of the main thread and of the busiest gateway thread so far: as long as a start takes where nobody else wants the
 * CPU. A busy machine stretches the clock, but not these.
 */
function timeOfStart(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) => {
    const [, name = '', rest = ''] = /\((.*)\) (.*)/.exec(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8')) ?? []
    const fields = rest.split(' ')
    return {
      main: id === String(pid),
      gateway: name === 'gateway',
      seconds: (Number(fields[11]) + Number(fields[12])) / 100,
    }
  })
  const main = threads.find((thread) => thread.main)?.seconds ?? Number.NaN
  return main + Math.max(...threads.filter(({ gateway }) => gateway).map(({ seconds }) => seconds))
}

async function startWith(count: number): Promise<{ running: Gatehouse; seconds: number }> {
  const [api = 0] = await freePorts(1)
  const running = startGatehouse({ config: config(api, count, 'v0') })
  gatehouse = running
  await running.ready()
  return { running, seconds: timeOfStart(running.pid) }
}

/** Of each client, in milliseconds: a load without end would take the CPU that is needed for what is tested. */
const pace = 3

async function load(client: Client, paths: readonly string[], signal: AbortSignal): Promise<string[]> {
  const failures: string[] = []
  for (let n = 0; !signal.aborted; n++) {
    const path = paths[n % paths.length] as string
    const { status } = await client.get(path).catch((error) => ({ status: String(error) }))
    if (status !== 200) failures.push(`${client.protocol} ${path}: ${status}`)
    await rest(pace)
  }
  return failures
}

describe('2,000 routes', () => {
  it('start within a second more than 10, and are loaded anew under load without a failed request', async () => {
    const few = await startWith(10)
    await few.running.stop()
    const { running, seconds } = await startWith(2_000)
    expect(seconds - few.seconds).toBeLessThan(1)

    const ca = rootCertificate(`${running.folder}/storage`)
    const [http, https] = [await running.url('http'), await running.url('https')]
    const clients = [h1Client(http), h1Client(https, ca), h2Client(https, ca)]
    const stop = new AbortController()
    const paths = ['/answer3', '/proxy1995/pid', '/answer1998', '/pid']
    const loads = clients.map((client) => load(client, paths, stop.signal))
    for (let round = 1; round <= 4; round++) {
      const after = running.lines.length
      const text = readFileSync(running.file, 'utf8')
      writeFileSync(running.file, text.replace(/X-Version: "\w+"/, `X-Version: "v${round}"`))
      running.signal('SIGHUP')
      await running.waitFor({ reload: 'done' }, { after, timeout: 60_000 })
      const answer = await (clients[round % clients.length] as Client).get('/answer1998')
      expect(answer).toMatchObject({ status: 200, body: '1998', headers: { 'x-version': `v${round}` } })
    }
    stop.abort()
    expect((await Promise.all(loads)).flat()).toEqual([])
    // A thread that was replaced on the way would say so.
    expect(running.lines.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
    for (const client of clients) client.close()
  }, 180_000)
})
