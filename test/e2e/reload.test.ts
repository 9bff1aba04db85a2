import { writeFileSync } from 'node:fs'
import { setTimeout as pause, setTimeout as rest } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { readStatus } from '../../src/control/client/client.ts'
import { healthOf } from '../../src/control/health.ts'
import { type Client, exchangeMessage, h1Client, h2Client, openWebSocket, rootCertificate } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'

const upstream = `${projectFolder}/test/e2e/programs/upstream.js`
let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

function config(ports: { http: number; https: number; api: number }, header: string): string {
  return `
gateway:
  listeners: { http: { address: "127.0.0.1:${ports.http}" }, https: { address: "127.0.0.1:${ports.https}", tls: true } }
  response: { headers: { X-Version: "${header}" } }
  routes: [{ path: /*, to: api }]
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
processes:
  api: { command: [node, ${upstream}], port: ${ports.api}, ready: { http: /health, every: 20ms } }
storage: ./storage
control: { socket: ./control.sock }
`
}

/** Of each client, in milliseconds: a load without end would take the CPU that is needed for what is tested. */
const pace = 3

/** Sends requests until stopped; resolves with the number of answers, and everything that was not a 200. */
async function load(client: Client, signal: AbortSignal): Promise<{ answers: number; failures: string[] }> {
  let answers = 0
  const failures: string[] = []
  while (!signal.aborted) {
    try {
      const { status } = await client.get('/pid')
      answers += 1
      if (status !== 200) failures.push(`${client.protocol}: ${status}`)
    } catch (error) {
      failures.push(`${client.protocol}: ${error}`)
    }
    await rest(pace)
  }
  return { answers, failures }
}

describe('SIGHUP', () => {
  it('every 300 ms, 20 times, under load on h1 and h2 fails no request; each broken file is reported with its position', async () => {
    const [http = 0, https = 0, api = 0] = await freePorts(3)
    const ports = { http, https, api }
    gatehouse = startGatehouse({ config: config(ports, 'v0') })
    await gatehouse.ready()
    const ca = rootCertificate(`${gatehouse.folder}/storage`)
    const urls = [await gatehouse.url('http'), await gatehouse.url('https')] as const
    const socket = await openWebSocket(urls[0], '/socket')
    const clients = [
      h1Client(urls[0]),
      h1Client(urls[0]),
      h1Client(urls[1], ca),
      h2Client(urls[1], ca),
      h2Client(urls[1], ca),
    ]
    const stop = new AbortController()
    const loads = clients.map((client) => load(client, stop.signal))
    const firstPid = gatehouse.pidOf('api')

    const rounds = 20 // the chaos of `npm run test:full` does it for ten minutes
    let broken = 0
    for (let round = 1; round <= rounds; round += 1) {
      const next = pause(300)
      const after = gatehouse.lines.length
      if (round % 3 === 0) {
        broken += 1
        writeFileSync(gatehouse.file, `${config(ports, `v${round}`)}\nround${round}: 1\n`)
        gatehouse.signal('SIGHUP')
        const report = await gatehouse.waitFor({ level: 'error', message: new RegExp(`round${round}`) }, { after })
        expect(report.message).toMatch(/gatehouse\.yaml:12:1: /)
        await gatehouse.waitFor({ reload: 'refused' }, { after })
      } else {
        writeFileSync(gatehouse.file, config(ports, `v${round}`))
        gatehouse.signal('SIGHUP')
        await gatehouse.waitFor({ reload: 'done' }, { after })
        const { headers } = await (clients[round % clients.length] as Client).get('/pid')
        expect(headers['x-version']).toBe(`v${round}`)
      }
      await next
    }
    expect(broken).toBe(6)
    expect(await exchangeMessage(socket, 'still here')).toBe('still here')
    expect(gatehouse.pidOf('api')).toBe(firstPid)

    stop.abort()
    const results = await Promise.all(loads)
    expect(results.flatMap(({ failures }) => failures)).toEqual([])
    for (const { answers } of results) expect(answers).toBeGreaterThan(30)
    socket.close()
    for (const client of clients) client.close()
  }, 60_000)

  it('starts, stops and restarts the processes whose entries came, went and changed, and leaves the others alone', async () => {
    const ports = await freePorts(4)
    const entry = (name: string, port: number | undefined, extra = '') =>
      `  ${name}: { command: [node, ${upstream}], port: ${port}, ready: { http: /health, every: 20ms }${extra} }\n`
    const tail = 'storage: ./storage\ncontrol: { socket: ./control.sock }\n'
    const before = `processes:\n${entry('same', ports[0])}${entry('gone', ports[1])}${entry('changed', ports[2])}${tail}`
    gatehouse = startGatehouse({ config: before })
    await gatehouse.ready()
    const pids = { same: gatehouse.pidOf('same'), changed: gatehouse.pidOf('changed') }

    const change = ', environment: { set: { NAME: renewed } }'
    const next = `processes:\n${entry('same', ports[0])}${entry('changed', ports[2], change)}${entry('new', ports[3])}${tail}`
    writeFileSync(gatehouse.file, next)
    const after = gatehouse.lines.length
    gatehouse.signal('SIGHUP')
    const done = await gatehouse.waitFor({ reload: 'done' }, { after })
    expect(done).toMatchObject({ started: ['new'], stopped: ['gone'], restarted: ['changed'], unchanged: ['same'] })
    await gatehouse.waitFor({ process: 'new', ready: true }, { after })
    await gatehouse.waitFor({ process: 'changed', ready: true }, { after })
    expect(gatehouse.lines.some((line) => line.process === 'changed' && line.message === 'renewed listens')).toBe(true)
    expect(gatehouse.pidOf('same')).toBe(pids.same)
    expect(gatehouse.pidOf('changed')).not.toBe(pids.changed)
  })

  it('that is refused is a warning of `status` and `healthcheck` until a good one comes', async () => {
    const text = (body: string) => `
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  routes: [{ respond: ${body} }]
storage: ./storage
control: { socket: ./control.sock }
`
    gatehouse = startGatehouse({ config: text('{ body: one }') })
    await gatehouse.waitFor({ message: 'listening' })
    const socket = `${gatehouse.folder}/control.sock`
    expect((await readStatus(socket)).warnings).toEqual([])
    writeFileSync(gatehouse.file, text('one'))
    gatehouse.signal('SIGHUP')
    const refused = await gatehouse.waitFor({ reload: 'refused' })
    const status = await readStatus(socket)
    expect(status.warnings).toEqual([
      expect.stringMatching(
        /^the last reload was refused, and the previous configuration stays in use: .*gatehouse\.yaml:4:23: /,
      ),
    ])
    expect(healthOf(status, Date.now())).toMatchObject({ verdict: 'healthy', warnings: status.warnings })
    writeFileSync(gatehouse.file, text('{ body: two }'))
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ reload: 'done' }, { after: gatehouse.lines.indexOf(refused) })
    expect((await readStatus(socket)).warnings).toEqual([])
  })

  it('keeps serving when the new listener has a taken port', async () => {
    const [http = 0, taken = 0] = await freePorts(2)
    const blocker = (await import('node:net')).createServer().listen(taken, '127.0.0.1')
    try {
      const text = (port: number) => `
gateway:
  listeners: { http: { address: "127.0.0.1:${port}" } }
  routes: [{ files: { root: . } }]
storage: ./storage
control: { socket: ./control.sock }
`
      gatehouse = startGatehouse({ config: text(http) })
      await gatehouse.waitFor({ message: 'listening' })
      writeFileSync(gatehouse.file, text(taken))
      gatehouse.signal('SIGHUP')
      const refusal = await gatehouse.waitFor({ reload: 'refused' })
      expect(refusal.message).toContain(String(taken))
      expect((await fetch(`http://127.0.0.1:${http}/gatehouse.yaml`)).status).toBe(200)
      expect((await readStatus(`${gatehouse.folder}/control.sock`)).warnings.join()).toContain(String(taken))
    } finally {
      blocker.close()
    }
  })
})
