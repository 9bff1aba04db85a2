/**
 * Certificates that live for 60 s, renewed again and again by two gateway threads under load over h1 and h2: every request is
 * verified against the CA's root, and connections that were opened at the start live to the end. SOAK_MINUTES: default 10.
 */
import { Agent, get } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { type Pebble, startPebble } from '../certificates/pebble.ts'
import { h2Client } from '../e2e/support/clients.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../e2e/support/gatehouse.ts'
import { newestPebble } from './newest-pebble.ts'

const minutes = Number(process.env.SOAK_MINUTES ?? 10)
const lifetime = 60
const names = ['localhost']

let gatehouse: Gatehouse | undefined
let pebble: Pebble | undefined
afterEach(async () => {
  await gatehouse?.stop()
  await pebble?.stop()
})

describe('certificates of a minute', () => {
  it.each([
    { server: "Debian's Pebble", program: undefined },
    { server: 'the newest Pebble, which says when to renew', program: newestPebble() },
  ])(
    'are renewed under load, with $server',
    async ({ program }) => {
      const [http = 0, https = 0] = await freePorts(2)
      pebble = await startPebble({ httpPort: http, tlsPort: https, validity: lifetime, ...(program && { program }) })
      const run = startGatehouse({
        files: { 'www/hello.txt': 'hello' },
        config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  accessLog: false
  routes: [{ files: { root: ./www } }]
certificates: [{ domains: [${names}], use: [{ acme: { directory: "${pebble.directory}", trust: ${pebble.trust} } }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
      })
      gatehouse = run
      await run.waitFor({ message: /^the certificate for .* is now from acme/ })
      const [ca = ''] = await pebble.roots()
      await expect.poll(() => fresh(https, ca), { timeout: 10_000 }).toMatchObject({ status: 200 })

      const url = `https://localhost:${https}`
      const kept = new Agent({ keepAlive: true, maxSockets: 1, ca })
      const session = h2Client(url, ca)
      const sockets = new Set<unknown>()
      const serials = new Set<string>()
      const failures: string[] = []
      const counts = { kept: 0, fresh: 0, h2: 0 }
      const note = (what: string) => (error: unknown) => void failures.push(`${what}: ${error}`)
      const end = performance.now() + minutes * 60_000
      const load = async (what: keyof typeof counts, every: number, ask: () => Promise<{ status: number }>) => {
        while (performance.now() < end) {
          const answer = await ask().catch(note(what))
          counts[what] += 1
          if (answer && answer.status !== 200) failures.push(`${what}: ${answer.status}`)
          await pause(every)
        }
      }
      await Promise.all([
        load('kept', 10, async () => {
          const answer = await ask(https, kept)
          sockets.add(answer.socket)
          return answer
        }),
        load('fresh', 200, async () => {
          const answer = await fresh(https, ca)
          serials.add(answer.serial)
          return answer
        }),
        load('h2', 10, () => session.get('/hello.txt')),
      ])
      kept.destroy()
      session.close()
      const renewals = run.lines.filter(({ message }) =>
        /^obtained a certificate for localhost from/.test(message),
      ).length
      console.log(
        `${minutes} min: ${JSON.stringify(counts)} requests, ${serials.size} certificates seen, ${renewals} issued, ${failures.length} failures`,
      )
      expect(failures).toEqual([])
      expect(sockets.size).toBe(1)
      expect(serials.size).toBeGreaterThan(minutes)
      expect(run.lines.filter(({ level }) => level === 'error')).toEqual([])
    },
    (minutes + 3) * 60_000,
  )
})

interface Answer {
  readonly status: number
  readonly serial: string
  readonly socket: TLSSocket
}

const fresh = (port: number, ca: string) => ask(port, new Agent({ ca, maxCachedSessions: 0 }))

function ask(port: number, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ port, host: 'localhost', path: '/hello.txt', agent, family: 4 }, (response) => {
      const socket = response.socket as TLSSocket
      const { serialNumber } = socket.getPeerCertificate()
      response.resume().once('end', () => resolve({ status: response.statusCode ?? 0, serial: serialNumber, socket }))
      response.once('error', reject)
    })
    request.once('error', reject)
  })
}
