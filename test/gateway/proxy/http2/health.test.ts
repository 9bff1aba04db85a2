/** Health checks of HTTP/2 targets: by gRPC, and by the status of a path. */
import { writeFileSync } from 'node:fs'
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createHealthChecks } from '../../../../src/health/health-checks.ts'
import type { HealthCheckPlan, UpstreamTlsPlan } from '../../../../src/plan/model/upstreams.ts'
import { makeCertificate } from '../../../certificates/make-certificate.ts'
import { refusingPort } from '../../../support/refusing-port.ts'
import { cleanUp, temporaryFolder, whenOver } from '../../support.ts'
import { upstreamPlan } from '../../upstream-plans.ts'
import { listening, rawUpstream, upstream } from '../../upstreams.ts'

afterEach(cleanUp)

const timing = { every: 20, timeout: 500, failures: 1, successes: 1 }
const grpc = (service = ''): HealthCheckPlan => ({ grpc: { service }, ...timing })
const http: HealthCheckPlan = { http: '/health', ...timing }

interface Verdict {
  readonly check: HealthCheckPlan
  readonly target: string
  readonly tls?: UpstreamTlsPlan
}

/** What the log says when the target is first found down. */
function found({ check, target, tls }: Verdict): Promise<string> {
  return new Promise((resolve) => {
    const say = (message: string) => resolve(message.replaceAll(target, 'TARGET'))
    const checks = createHealthChecks({ info: say, warn: say, error: say }, () => {})
    whenOver(() => checks.close())
    checks.apply([upstreamPlan([target], { health: check, ...(tls && { tls }) })])
  })
}

/** Requests of checks, in the order in which they come. */
interface Checked {
  readonly target: string
  /** The next one, as `METHOD path`, with its body in hexadecimal. */
  next(): Promise<string>
}

async function checked(answer: (stream: ServerHttp2Stream) => void, server = createServer()): Promise<Checked> {
  const waiting: ((seen: string) => void)[] = []
  server.on('session', (session) => session.on('error', () => {}))
  server.on('stream', (stream: ServerHttp2Stream, head: IncomingHttpHeaders) => {
    const chunks: Buffer[] = []
    stream.on('error', () => {})
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('end', () => {
      answer(stream)
      waiting.shift()?.(`${head[':method']} ${head[':path']} ${Buffer.concat(chunks).toString('hex')}`)
    })
  })
  const { port } = await listening(server as unknown as Parameters<typeof listening>[0])
  return { target: `h2c://127.0.0.1:${port}`, next: () => new Promise((resolve) => waiting.push(resolve)) }
}

/** An answer of gRPC health with this status by number. */
function serving(status: number): (stream: ServerHttp2Stream) => void {
  return (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
    stream.end(Buffer.from([0, 0, 0, 0, 2, 8, status]))
  }
}

describe('a check by gRPC', () => {
  it('asks for the service, again and again while it is SERVING', async () => {
    const { target, next } = await checked(serving(1))
    const down = found({ check: grpc('pkg.Service'), target })
    const asked = 'POST /grpc.health.v1.Health/Check 000000000d0a0b706b672e53657276696365'
    expect(await Promise.race([next(), down])).toBe(asked)
    expect(await Promise.race([next(), down])).toBe(asked)
    expect(await Promise.race([next(), down])).toBe(asked)
  })

  it.each([
    ['NOT_SERVING', serving(2), 'gRPC health: answered NOT_SERVING'],
    ['SERVICE_UNKNOWN', serving(3), 'gRPC health: answered SERVICE_UNKNOWN'],
    [
      'a gRPC status (Trailers-Only)',
      (stream: ServerHttp2Stream) => stream.respond({ ':status': 200, 'grpc-status': '12' }, { endStream: true }),
      'gRPC health: answered UNIMPLEMENTED: it has no health service',
    ],
    [
      'a page',
      (stream: ServerHttp2Stream) => {
        stream.respond({ ':status': 200 })
        stream.end('hello')
      },
      'gRPC health: answered, but not with gRPC',
    ],
    [
      'an error',
      (stream: ServerHttp2Stream) => stream.respond({ ':status': 503 }, { endStream: true }),
      'gRPC health: answered 503',
    ],
    ['a reset', (stream: ServerHttp2Stream) => stream.close(2), /^.*INTERNAL_ERROR/],
    ['nothing', () => {}, 'no answer within 500 ms'],
  ])('that is answered with %s takes the target out', async (_what, answer, cause) => {
    const { target } = await checked(answer)
    const words = await found({ check: grpc(), target })
    expect(words).toMatch(/^upstream behind: TARGET is down: /)
    expect(words.slice('upstream behind: TARGET is down: '.length)).toEqual(
      typeof cause === 'string' ? cause : expect.stringMatching(cause),
    )
  })
})

describe('a check by path over HTTP/2', () => {
  it.each([
    [204, undefined],
    [302, undefined],
    [404, '/health answered 404'],
    [500, '/health answered 500'],
  ])('reads status %i', async (status, cause) => {
    const { target, next } = await checked((stream) => {
      stream.respond({ ':status': status })
      stream.end()
    })
    const down = found({ check: http, target })
    if (cause === undefined) {
      expect(await Promise.race([next(), down])).toBe('GET /health ')
      expect(await Promise.race([next(), down])).toBe('GET /health ')
    } else expect(await down).toBe(`upstream behind: TARGET is down: ${cause}`)
  })

  it('fails on a target that speaks HTTP/1.1', async () => {
    const { port } = await upstream((_request, response) => response.end('hello'))
    expect(await found({ check: http, target: `h2c://127.0.0.1:${port}` })).toMatch(/TARGET is down: /)
  })

  it.each([http, grpc()])('fails on a target that refuses connections, and says so', async (check) => {
    const port = await refusingPort()
    expect(await found({ check, target: `h2c://127.0.0.1:${port}` })).toMatch(/TARGET is down: .*connect ECONNREFUSED/)
  })

  it('fails on a target that closes its connections', async () => {
    const { port } = await rawUpstream((socket) => socket.end())
    expect(await found({ check: grpc(), target: `h2c://127.0.0.1:${port}` })).toMatch(/TARGET is down: /)
  })
})

describe('a check of an h2 target', () => {
  const made = makeCertificate({ names: ['grpc.internal'] })

  async function secure(): Promise<Checked> {
    const server = createSecureServer({ cert: made.certificate, key: made.key }) as unknown as Http2Server
    const { target, next } = await checked(serving(1), server)
    return { target: target.replace('h2c:', 'h2:'), next }
  }

  it('passes if its certificate is verified', async () => {
    const { target, next } = await secure()
    const ca = join(await temporaryFolder(), 'ca.pem')
    writeFileSync(ca, made.certificate)
    const down = found({ check: grpc(), target, tls: { ca, serverName: 'grpc.internal', verify: true } })
    expect(await Promise.race([next(), down])).toMatch(/^POST /)
    expect(await Promise.race([next(), down])).toMatch(/^POST /)
  })

  it('fails if it is not', async () => {
    const { target } = await secure()
    expect(await found({ check: grpc(), target })).toMatch(/TARGET is down: .*(self.signed|unable to verify)/)
  })
})
