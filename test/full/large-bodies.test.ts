/** Two gigabytes up and down through the binary, over every protocol, while its memory is watched. */
import { readFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect as connectH2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Gatehouse, startGatehouse } from '../e2e/support/gatehouse.ts'

const size = 2_000_000_000
const piece = Buffer.alloc(1_000_000, 'x')
const most = 50_000_000

const upstream = createServer(async (request, response) => {
  if (request.url === '/small') {
    response.end('small')
  } else if (request.method === 'GET') {
    response.writeHead(200, { 'content-length': size, 'content-type': 'application/octet-stream' })
    await pipeline(zeros(), response)
  } else {
    response.end(String(await count(request)))
  }
})

let gatehouse: Gatehouse

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const { port } = upstream.address() as AddressInfo
  gatehouse = startGatehouse({
    config: `
gateway:
  threads: 1
  listeners: { http: { address: "127.0.0.1:0" }, https: { address: "127.0.0.1:0", tls: true } }
  limits: { requestBody: 3GB }
  routes: [{ to: "http://127.0.0.1:${port}" }]
certificates: [{ domains: [app.example], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  // What the program loads for its first requests is not what a body costs.
  const url = await gatehouse.url('http')
  for (let i = 0; i < 300; i++) await (await fetch(`${url}/small`)).text()
})

afterAll(async () => {
  await gatehouse.stop()
  upstream.close()
})

function zeros(): Readable {
  let left = size / piece.length
  return Readable.from(
    (function* () {
      while (left-- > 0) yield piece
    })(),
  )
}

async function count(body: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  return bytes
}

interface Carried {
  readonly upload: Writable
  readonly answer: Promise<AsyncIterable<Buffer>>
  close(): void
}

async function ask(protocol: 'h1' | 'h1s' | 'h2', method: 'GET' | 'POST'): Promise<Carried> {
  const url = await gatehouse.url(protocol === 'h1' ? 'http' : 'https')
  const headers = method === 'POST' ? { 'content-length': size } : {}
  if (protocol === 'h2') {
    const session = connectH2(url.replace('http:', 'https:'), { rejectUnauthorized: false, servername: 'app.example' })
    const stream = session.request({ ':method': method, ':path': '/', ...headers }, { endStream: method === 'GET' })
    return { upload: stream, answer: Promise.resolve(stream), close: () => session.destroy() }
  }
  const send = protocol === 'h1' ? httpRequest : httpsRequest
  const request = send(url.replace('http:', protocol === 'h1' ? 'http:' : 'https:'), {
    method,
    headers,
    agent: false,
    ...(protocol === 'h1s' && { rejectUnauthorized: false, servername: 'app.example' }),
  })
  const answer = new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject))
  if (method === 'GET') request.end()
  return { upload: request, answer, close: () => request.destroy() }
}

function residentBytes(): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gatehouse.pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1_024
}

it.each([
  ['h1', 'GET'],
  ['h1', 'POST'],
  ['h1s', 'GET'],
  ['h1s', 'POST'],
  ['h2', 'GET'],
  ['h2', 'POST'],
] as const)('over %s, %s of 2 GB costs less than 50 MB', { timeout: 240_000 }, async (protocol, method) => {
  const before = residentBytes()
  let peak = before
  const watch = setInterval(() => {
    peak = Math.max(peak, residentBytes())
  }, 50)
  const { upload, answer, close } = await ask(protocol, method)
  try {
    if (method === 'POST') {
      await pipeline(zeros(), upload, { end: true })
      let text = ''
      for await (const chunk of await answer) text += chunk
      expect(text).toBe(String(size))
    } else {
      expect(await count(await answer)).toBe(size)
    }
  } finally {
    clearInterval(watch)
    close()
  }
  process.stdout.write(`${protocol} ${method}: ${Math.round((peak - before) / 1e6)} MB more at its peak\n`)
  expect(peak - before).toBeLessThan(most)
})
