/** What the chaos happens to: Gatehouse with two gateway threads and 200 routes, and everything around it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate } from '../../certificates/make-certificate.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { type Redis, startRedis } from '../../e2e/support/redis.ts'
import { inspected } from './inspector.ts'
import { fileOf } from './payload.ts'

export const host = 'app.example'
export const routeCount = 200
const program = `${projectFolder}/test/full/chaos/program.ts`

/** Files that are replaced under way: by a rename, or written in place. */
export const fileNames = {
  renamed: ['renamed-small.txt', 'renamed-large.txt'],
  inPlace: ['in-place-small.txt', 'in-place-large.txt'],
} as const
export const linesOf = (name: string) => (name.includes('large') ? 12_000 : 300)

export interface Site {
  readonly gatehouse: Gatehouse
  readonly http: number
  readonly https: number
  /** The authority that signs each certificate of the site. */
  readonly ca: string
  readonly redis: Redis
  /** The two targets of the upstream `pool`, and one that nobody harms. */
  readonly targets: readonly Target[]
  readonly steady: Target
  /** Whether a path leads to the target that nobody harms. */
  isSteady(route: number): boolean
  /** Writes the next config; with `broken` one that is refused. */
  writeConfig(version: number, broken?: boolean): void
  /** A new certificate, key and chain, in the place of the old ones. */
  replaceCertificate(): void
  stop(): Promise<void>
}

export interface Target {
  readonly port: number
  /** What it has said: an upload that looked whole and was not. */
  readonly said: readonly string[]
  kill(): Promise<void>
  start(): Promise<void>
}

export async function startSite(): Promise<Site> {
  const [http = 0, https = 0, app1 = 0, ...ports] = await freePorts(6)
  const redis = await startRedis()
  const [steady, ...targets] = (await Promise.all(ports.map(startTarget))) as [Target, ...Target[]]
  const root = makeCertificate({ names: [], commonName: 'The root of the chaos', authority: true })
  const text = (version: number) =>
    configText(version, { http, https, app: app1, redis: redis.port, steady: steady.port, targets })
  const made = makeCertificate({ names: [host], issuer: root })
  const gatehouse = startGatehouse({
    command: inspected,
    config: text(0),
    files: {
      'tls/chain.pem': made.certificate,
      'tls/key.pem': made.key,
      ...Object.fromEntries(
        Object.values(fileNames)
          .flat()
          .map((name) => [`site/${name}`, String(fileOf(0, linesOf(name)))]),
      ),
    },
  })
  const tls = join(gatehouse.folder, 'tls')
  chmodSync(join(tls, 'key.pem'), 0o600)
  return {
    gatehouse,
    http,
    https,
    ca: root.certificate,
    redis,
    targets,
    steady,
    isSteady: (route) => handlerOf(route) === 'steady',
    writeConfig(version, broken = false) {
      writeFileSync(gatehouse.file, `${text(version)}${broken ? 'nonsense: 1\n' : ''}`)
    },
    replaceCertificate() {
      const next = makeCertificate({ names: [host], issuer: root })
      for (const [name, content] of [
        ['key.pem', next.key],
        ['chain.pem', next.certificate],
      ] as const) {
        writeFileSync(join(tls, `new-${name}`), content, { mode: 0o600 })
        renameSync(join(tls, `new-${name}`), join(tls, name))
      }
    },
    async stop() {
      await gatehouse.stop()
      await Promise.all([...targets, steady].map((target) => target.kill()))
      await redis.stop()
    },
  }
}

/** Routes take turns, so that whatever is harmed lies between what is not. */
function handlerOf(route: number): 'steady' | 'pool' | 'app' {
  return (['steady', 'pool', 'app'] as const)[route % 3] ?? 'steady'
}

interface Ports {
  readonly http: number
  readonly https: number
  readonly app: number
  readonly redis: number
  readonly steady: number
  readonly targets: readonly Target[]
}

function configText(version: number, { http, https, app, redis, steady, targets }: Ports): string {
  const steadyUrl = `http://127.0.0.1:${steady}`
  const routes = Array.from({ length: routeCount - 2 }, (_, route) => {
    const kind = handlerOf(route)
    const to = kind === 'steady' ? `"${steadyUrl}"` : kind
    return `    - { path: "/r${route}/*", to: ${to}, response: { headers: { X-Version: "${version}" } } }`
  })
  return `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${http}" }, https: { address: "127.0.0.1:${https}", tls: true } }
  limits: { stallTimeout: 5s }
  rateLimitStore: { redis: "redis://127.0.0.1:${redis}" }
  compression: [gzip]
  accessLog: false
  response: { headers: { X-Plan: "${version}" } }
  routes:
    - { path: /files/*, stripPrefix: /files, files: { root: ./site } }
    - { path: /limited/*, rateLimit: { requests: 50, window: 1s }, to: "${steadyUrl}" }
${routes.join('\n')}
upstreams:
  pool: { targets: [${targets.map(({ port }) => `"http://127.0.0.1:${port}"`).join(', ')}] }
processes:
  app:
    command: [node, ${program}]
    port: ${app}
    ready: { tcp: ${app}, every: 50ms }
    restart: { backoff: { first: 0s, next: 100ms, max: 500ms }, giveUp: { failures: 1000, within: 10s }, steady: 1s }
certificates: [{ domains: [${host}], use: [{ files: { certificate: ./tls/chain.pem, key: ./tls/key.pem } }] }]
storage: ./storage
control: { socket: ./control.sock }
`
}

async function startTarget(port: number): Promise<Target> {
  const said: string[] = []
  let running: ChildProcess
  async function start(): Promise<void> {
    const child = spawn(process.execPath, [program], {
      env: { PATH: process.env.PATH, PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running = child
    const withRunner = () => void child.kill('SIGKILL')
    process.once('exit', withRunner)
    child.once('exit', () => process.off('exit', withRunner))
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error(`the target on ${port} did not start`)))
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        if (text.includes('listens')) resolve()
        said.push(...text.split('\n').filter((line) => line.includes('looked whole')))
      })
    })
  }
  await start()
  return {
    port,
    said,
    start,
    async kill() {
      if (running.exitCode !== null || running.signalCode !== null) return
      const gone = once(running, 'exit')
      running.kill('SIGKILL')
      await gone
    },
  }
}

/** Makes the folder a file of the site lies in, once. */
export function sitePath({ gatehouse }: Site, name: string): string {
  const folder = join(gatehouse.folder, 'site')
  mkdirSync(folder, { recursive: true })
  return join(folder, name)
}
