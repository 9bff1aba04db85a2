/** A gateway of its own for each test, in this process, on free ports of 127.0.0.1, with everything it logged. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway, type Gateway } from '../../src/gateway/gateway.ts'
import type { StoreEvent } from '../../src/gateway/guards/rate-limit/stores.ts'
import { createRateLimitMemory } from '../../src/gateway/guards/rate-limit/table.ts'
import { noMeter } from '../../src/gateway/request/meter.ts'
import { type HeaderRules, mergeRules } from '../../src/plan/model/headers.ts'
import type {
  GatewayPlan,
  GuardsPlan,
  HandlerPlan,
  LimitsPlan,
  ListenerPlan,
  OriginProxyPlan,
  RoutePlan,
} from '../../src/plan/model/plan.ts'
import type { ServedCertificate } from '../../src/shared/served.ts'
import type { AccessRecord } from '../../src/telemetry/access-log.ts'
import { makeCertificate } from '../certificates/make-certificate.ts'

const position = { file: 'test.yaml', line: 1, column: 1 }

/** Trusted by the clients of these tests, who verify it: self-signed, for this name and everything below it. */
export const host = 'app.example'
const made = makeCertificate({ names: [host, `*.${host}`] })
export const ca = made.certificate
export const certificate: ServedCertificate = {
  names: [host, `*.${host}`],
  certificate: made.certificate,
  key: made.key,
  anyName: false,
}

export type RouteOptions = HandlerPlan & {
  readonly match?: RoutePlan['match']
  readonly rewrite?: RoutePlan['rewrite']
  readonly encodedSlashes?: RoutePlan['encodedSlashes']
  readonly response?: HeaderRules
  /** Over those of the whole options. */
  readonly request?: HeaderRules
  readonly guards?: Partial<GuardsPlan>
}

export interface PlanOptions {
  readonly routes: readonly RouteOptions[]
  readonly listeners?: readonly ListenerPlan[]
  readonly headers?: HeaderRules
  readonly requestHeaders?: HeaderRules
  /** In lower case. */
  readonly keep?: readonly string[]
  readonly requestId?: GatewayPlan['requestId']
  readonly errors?: GatewayPlan['errors']
  readonly trustedProxies?: GatewayPlan['trustedProxies']
  readonly threads?: GatewayPlan['threads']
  readonly users?: GatewayPlan['users']
  readonly limits?: Partial<LimitsPlan>
  /** Of every route that has none of its own, and of requests without a route. */
  readonly guards?: Partial<GuardsPlan>
  readonly compression?: GatewayPlan['compression']
  readonly upstreams?: GatewayPlan['upstreams']
  readonly rateLimitStore?: GatewayPlan['rateLimitStore']
}

export const defaultLimits: LimitsPlan = {
  requestHeaders: 16_000,
  answerHeaders: 64_000,
  headerTimeout: 10_000,
  idleTimeout: 75_000,
  stallTimeout: 60_000,
  connections: 10_000,
  connectionsPerTarget: 1_000,
}

export const defaultGuards: GuardsPlan = { requestBody: 150_000_000, addresses: [] }

/** One plain listener, `http`, and one with TLS, `https`, unless the options names others. */
export function planOf(options: PlanOptions, listeners: readonly ListenerPlan[]): GatewayPlan {
  const headers = options.headers ?? {}
  const guards = { ...defaultGuards, ...options.guards }
  return {
    threads: options.threads ?? 'auto',
    listeners: options.listeners ?? listeners,
    routes: options.routes.map(
      ({ match = {}, rewrite, encodedSlashes, request = {}, response = {}, guards: own, ...handler }, index) => ({
        label: `route ${index}`,
        match,
        handler,
        guards: { ...guards, ...own },
        ...(encodedSlashes && { encodedSlashes }),
        ...(rewrite && { rewrite }),
        request: { headers: mergeRules(options.requestHeaders ?? {}, request), keep: options.keep ?? [] },
        response: { headers: mergeRules(headers, response) },
        position,
      }),
    ),
    trustedProxies: options.trustedProxies ?? [],
    upstreams: options.upstreams ?? [],
    requestId: options.requestId ?? { header: 'x-request-id', accept: 'uuid-v4' },
    users: options.users ?? {},
    limits: { ...defaultLimits, ...options.limits },
    guards,
    ...(options.rateLimitStore && { rateLimitStore: options.rateLimitStore }),
    response: { headers },
    health: { live: '/healthz', ready: '/readyz' },
    errors: options.errors ?? { format: 'auto' },
    accessLog: { skip: [] },
    compression: options.compression ?? [],
  }
}

export function listener(name: string, port: number, tls = false): ListenerPlan {
  return { name, host: '127.0.0.1', port, tls, health: false, position }
}

export function proxyTo(port: number, options: Partial<Omit<OriginProxyPlan, 'kind'>> = {}): OriginProxyPlan {
  const timeouts = { connect: 3_000, response: 10_000 }
  return { kind: 'proxy', origin: `http://127.0.0.1:${port}`, timeouts, ...options }
}

export interface RunningGateway {
  readonly gateway: Gateway
  readonly http: number
  readonly https: number
  readonly listeners: readonly ListenerPlan[]
  readonly records: readonly AccessRecord[]
  /** Logged errors. */
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  /** Reported states of rate limit stores. */
  readonly storeEvents: readonly StoreEvent[]
  apply(options: PlanOptions): Promise<void>
  /** The first record, past or future, for which this is true. */
  waitForRecord(wanted: (record: AccessRecord) => boolean): Promise<AccessRecord>
  stop(): Promise<void>
}

export async function startGateway(options: PlanOptions): Promise<RunningGateway> {
  const [http, https] = await Promise.all([freePort(), freePort()])
  const listeners = [listener('http', http), listener('https', https, true)]
  const records: AccessRecord[] = []
  const errors: string[] = []
  const warnings: string[] = []
  const storeEvents: StoreEvent[] = []
  const waiting = new Set<(record: AccessRecord) => void>()
  const gateway = createGateway({
    meter: noMeter,
    heartbeat: { progressed() {}, accepted() {} },
    rateLimits: createRateLimitMemory(),
    storeChanged: (event) => void storeEvents.push(event),
    ticketKey: randomBytes(48),
    accessLog: () => (record) => {
      records.push(record)
      for (const look of waiting) look(record)
    },
    log: {
      info: () => {},
      warn: (message) => void warnings.push(message),
      error: (message) => void errors.push(message),
    },
  })
  const running: RunningGateway = {
    gateway,
    http,
    https,
    listeners,
    records,
    errors,
    warnings,
    storeEvents,
    apply: (next) => gateway.apply(planOf(next, listeners), [certificate]),
    waitForRecord(wanted) {
      const past = records.find(wanted)
      if (past) return Promise.resolve(past)
      return new Promise((resolve) => {
        const look = (record: AccessRecord) => {
          if (!wanted(record)) return
          waiting.delete(look)
          resolve(record)
        }
        waiting.add(look)
      })
    },
    stop: async () => void (await gateway.drain(0)),
  }
  started.push(running)
  await running.apply(options)
  return running
}

const started: RunningGateway[] = []
const endings: (() => Promise<unknown> | unknown)[] = []

/** Runs when the test is over, in reverse order, after its gateways were stopped. */
export function whenOver(ending: () => Promise<unknown> | unknown): void {
  endings.push(ending)
}

/** For `afterEach`: ends everything a test has opened. */
export async function cleanUp(): Promise<void> {
  await Promise.all(started.splice(0).map((running) => running.stop()))
  for (const ending of endings.splice(0).reverse()) await ending()
}

/** A port that is free now. The gateway listens with SO_REUSEPORT, so no one may hold it in the meantime. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-'))
  whenOver(() => rm(folder, { recursive: true, force: true }))
  return folder
}
