/** Browsers and tools come back with a session: resumed on any gateway thread, as OpenSSL's own client and Node's h2 see it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectH2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { rootCertificate } from '../e2e/support/clients.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { type Gatehouse, projectFolder, source, startGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'

const [node = '', ...main] = source
/** Has each answer over HTTP/1.1 name its thread, and lets a request end one. */
const faults = `${projectFolder}/test/fixtures/thread-faults.js`
const openssl = part('openssl')

const cleanUps: (() => Promise<unknown> | undefined)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** Of one test: storage that outlives a Gatehouse, so that its successor serves the same certificate, and the clients' sessions. */
function testFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-resumption-'))
  cleanUps.push(async () => rmSync(folder, { recursive: true }))
  return folder
}

interface Server {
  readonly gatehouse: Gatehouse
  readonly port: number
  /** Path of the root certificate. */
  readonly root: string
  stop(): Promise<unknown>
}

async function start(folder: string): Promise<Server> {
  const [port = 0] = await freePorts(1)
  const gatehouse = startGatehouse({
    command: [node, '--import', faults, ...main],
    config: `
gateway:
  threads: 2
  listeners: { https: { address: "127.0.0.1:${port}", tls: true } }
  routes: [{ files: { root: site } }]
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
storage: ${folder}/storage
control: { socket: ./control.sock }
`,
    // Only what a route answers names its thread.
    files: { 'site/hello.txt': 'hello', 'site/fault/throw': 'thrown' },
  })
  let stopped: Promise<unknown> | undefined
  const stop = () => {
    stopped ??= gatehouse.stop()
    return stopped
  }
  cleanUps.push(stop)
  await gatehouse.ready()
  return { gatehouse, port, root: `${folder}/storage/internal/root.crt`, stop }
}

interface Visit {
  /** One for each handshake, in order. */
  readonly handshakes: readonly string[]
  /** The gateway thread that answered. */
  readonly thread: string
}

/** One request with `openssl s_client`, which ends when the server closes; by then the tickets of TLS 1.3 have come. */
async function visit({ port, root }: Server, words: readonly string[], path = '/hello.txt'): Promise<Visit> {
  const verified = ['-CAfile', root, '-verify_return_error', '-verify_hostname', 'localhost']
  const where = ['-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-ign_eof']
  const client = spawn(openssl ?? '', ['s_client', ...where, ...verified, ...words], { timeout: 20_000 })
  client.stdin.end(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  const [out, complaints, [code]] = await Promise.all([text(client.stdout), text(client.stderr), once(client, 'close')])
  expect(code, complaints).toBe(0)
  expect(out).toContain('Verify return code: 0 (ok)')
  expect(out).toMatch(/^x-thread: \d/im)
  return {
    handshakes: [...out.matchAll(/^(New|Reused), TLSv1\.[23]/gm)].map(([, kind = '']) => kind),
    thread: /^x-thread: (\d+)/im.exec(out)?.[1] ?? '',
  }
}

/** Visits at least so often, and until these many threads have answered: the kernel spreads connections by a hash. */
async function visits(least: number, threads: number, visitOnce: () => Promise<Visit>): Promise<Visit[]> {
  const all: Visit[] = []
  const seen = () => new Set(all.map(({ thread }) => thread)).size
  while (all.length < least || seen() < threads) {
    if (all.length > least + 60) throw new Error('every connection went to the same gateway thread')
    all.push(await visitOnce())
  }
  return all
}

const reused = (count: number) => Array<string>(count).fill('Reused')

describe.skipIf(!openssl)('openssl s_client, with two gateway threads', () => {
  it('resumes 5 of 5 with -reconnect over TLS 1.2', async () => {
    const server = await start(testFolder())
    const all = await visits(3, 2, () => visit(server, ['-tls1_2', '-reconnect']))
    for (const { handshakes } of all) expect(handshakes).toEqual(['New', ...reused(5)])
  })

  it('resumes 8 of 8 with -sess_in over TLS 1.3, and makes a full handshake after a restart', async () => {
    const folder = testFolder()
    const session = join(folder, 'session.pem')
    const first = await start(folder)
    expect((await visit(first, ['-tls1_3', '-sess_out', session])).handshakes).toEqual(['New'])
    const resume = ['-tls1_3', '-sess_in', session]
    const all = await visits(8, 2, () => visit(first, resume))
    expect(all.flatMap(({ handshakes }) => handshakes)).toEqual(reused(all.length))
    await first.stop()
    const second = await start(folder)
    expect((await visit(second, resume)).handshakes).toEqual(['New'])
  })

  it.each(['-tls1_2', '-tls1_3'])(
    'resumes on the successor of a thread that failed what began before, with %s',
    async (version) => {
      const folder = testFolder()
      const session = join(folder, 'session.pem')
      const server = await start(folder)
      const { thread } = await visit(server, [version, '-sess_out', session])
      const resume = [version, '-sess_in', session]
      const before = await visits(1, 2, () => visit(server, resume))
      await visit(server, resume, '/fault/throw')
      await server.gatehouse.waitFor({ message: /^gateway thread \d was replaced/ })
      const old = new Set([thread, ...before.map((one) => one.thread)])
      const after = await visits(1, 2, () => visit(server, resume))
      expect(after.filter((one) => !old.has(one.thread))).not.toEqual([])
      expect([...before, ...after].flatMap(({ handshakes }) => handshakes)).toEqual(
        reused(before.length + after.length),
      )
    },
  )
})

/** One request over h2 on a connection of its own. */
async function visitH2(port: number, options: ConnectionOptions) {
  const socket = connectTls({ host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['h2'], ...options })
  let ticket: Buffer | undefined
  socket.once('session', (session: Buffer) => {
    ticket = session
  })
  const client = connectH2('https://localhost', { createConnection: () => socket })
  try {
    const answer = client.request({ ':path': '/hello.txt' })
    expect(await text(answer)).toBe('hello')
    expect([socket.authorized, socket.alpnProtocol]).toEqual([true, 'h2'])
    // Tickets come before the answer; who resumed gets no new one, and uses the one that it has.
    return { resumed: socket.isSessionReused(), session: ticket }
  } finally {
    client.destroy()
  }
}

describe('an h2 client, with two gateway threads', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes 12 of 12 over %s', async (version) => {
    const folder = testFolder()
    const { port } = await start(folder)
    const options = { ca: rootCertificate(`${folder}/storage`), minVersion: version, maxVersion: version }
    const { resumed, session } = await visitH2(port, options)
    expect({ resumed, session }).toEqual({ resumed: false, session: expect.any(Buffer) })
    const again: boolean[] = []
    for (let count = 0; count < 12; count += 1) again.push((await visitH2(port, { ...options, session })).resumed)
    expect(again).toEqual(Array(12).fill(true))
  })
})
