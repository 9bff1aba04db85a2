/** h2 clients that ask for a lot and take nothing: what they do not read is not read ahead for them. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePorts } from '../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../e2e/support/gatehouse.ts'
import { type Field, headers, openWire, type Wire } from '../faults/gateway/h2-wire.ts'
import { cleanUp } from '../gateway/support.ts'
import { listening } from '../gateway/upstreams.ts'

const connections = 20
const streams = 100
const body = Buffer.alloc(5_000_000, 'x')
/** Encoded it still is of some megabytes. */
const text = Buffer.from(randomBytes(3_750_000).toString('base64'))
/**
 * MB. Caddy grows by 128. Encoders on their way hold about 1 MB each, 8 for a connection (without a limit: 1,400 and
 * 2,450 in all).
 */
const bound = { plain: 200, encoded: 450 }

let gatehouse: Gatehouse
let https = 0
beforeAll(async () => {
  const upstream = await listening(
    createServer(({ url }, response) => {
      if (url === '/proxied') response.end(body)
      else response.writeHead(200, { 'content-type': 'text/plain' }).end(text)
    }),
  )
  ;[https = 0] = await freePorts(1)
  gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  listeners: { https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ path: [/proxied, /text], to: "http://127.0.0.1:${upstream.port}" }, { files: { root: ./www } }]
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
    files: { 'www/file.bin': body.toString('latin1'), 'www/file.txt': text.toString('latin1') },
  })
  await gatehouse.ready()
})
afterAll(async () => {
  await gatehouse.stop()
  await cleanUp()
})

function memory(): number {
  const status = readFileSync(`/proc/${gatehouse.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

const ask = (path: string): Field[] => [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
  ['accept-encoding', 'br, zstd, gzip'],
]

async function dial(window: number): Promise<Wire> {
  const socket = connectTls({ host: '127.0.0.1', port: https, ALPNProtocols: ['h2'], rejectUnauthorized: false })
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  return openWire(socket, { 4: window })
}

// A window of some bytes lets each answer begin; one of zero does not.
it.skipIf(process.platform !== 'linux').each([
  ['of an upstream', '/proxied', 0],
  ['of an upstream, begun', '/proxied', 1_000],
  ['of a file', '/file.bin', 0],
  ['of a file, begun', '/file.bin', 1_000],
  ['of an upstream, encoded on their way', '/text', 0],
  ['of a file, encoded on their way', '/file.txt', 0],
])(
  `answers %s of 5 MB on ${connections} connections with ${streams} streams each cost a bounded memory`,
  async (kind, path, window) => {
    const wires = await Promise.all(Array.from({ length: connections }, () => dial(window)))
    const before = memory()
    let peak = before
    for (const wire of wires) {
      wire.write(...Array.from({ length: streams }, (_, i) => headers(2 * i + 1, ask(path), true)))
    }
    await expect
      .poll(
        () => {
          peak = Math.max(peak, memory())
          return wires.reduce((sum, { answered }) => sum + answered, 0)
        },
        { timeout: 20_000 },
      )
      .toBe(connections * streams)
    // What is read ahead behind the heads.
    const settled = performance.now() + 500
    await expect
      .poll(() => {
        peak = Math.max(peak, memory())
        return performance.now() > settled
      })
      .toBe(true)
    for (const { socket } of wires) socket.destroy()
    expect(peak - before).toBeLessThan(kind.includes('encoded') ? bound.encoded : bound.plain)
  },
)
