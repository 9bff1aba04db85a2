/** What all servers of a run share: the upstream, files to serve, a certificate. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { freePorts } from '../../test/e2e/support/free-ports.ts'
import { eventRate } from '../load/event-streams.ts'
import { type RunningServer, startServer } from '../measure/server.ts'
import { originCommand } from './origin.ts'
import { programOf } from './programs.ts'
import type { Site } from './site.ts'

/** Default: an access log, one thread, and nothing else. */
export type SiteOptions = Partial<
  Pick<Site, 'accessLog' | 'threads' | 'routes' | 'h2c' | 'rateLimit' | 'processes' | 'version'>
>

export interface Surroundings {
  /** Temporary folder of the run. */
  readonly folder: string
  /** A site with ports and a folder of its own. */
  site(options?: SiteOptions): Promise<Site>
  /** Removes the folder of a site whose server has ended. */
  remove(site: Site): void
  /** Ends the upstreams and removes the folder of the run. */
  stop(): Promise<void>
}

/** Files below files/, in bytes. */
const files = {
  'small.css': 1_400,
  '10k.css': 10_000,
  'medium.css': 136_000,
  '1m.bin': 1_000_000,
  'cold.bin': 50_000_000,
}

/** Starts the upstream on the CPUs of the load. */
export async function prepareSurroundings(cpus: string): Promise<Surroundings> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
  const upstreams: RunningServer[] = []
  const clean = () => rmSync(folder, { recursive: true, force: true })
  // A run that is cut short leaves no copies of binaries either.
  process.once('exit', clean)
  const stop = async () => {
    for (const upstream of upstreams) await upstream.stop()
    clean()
  }
  try {
    const www = join(folder, 'www')
    mkdirSync(join(www, 'files'), { recursive: true })
    for (const [name, size] of Object.entries(files)) writeFileSync(join(www, 'files', name), contentOf(size))
    writeEncodings(join(www, 'files/medium.css'))
    const shared = { files: www, ...certificateIn(folder) }
    const [http = 0, h2c = 0, live = 0] = await freePorts(3)
    const command = originCommand(mkdtempSync(join(folder, 'origin-')), programOf('nginx'), { http, h2c, files: www })
    upstreams.push(await startServer({ command, cpus, url: `http://127.0.0.1:${http}/` }))
    const script = join(import.meta.dirname, 'live-origin.ts')
    const liveCommand = [process.execPath, script, String(live), String(eventRate)]
    upstreams.push(await startServer({ command: liveCommand, cpus, url: `http://127.0.0.1:${live}/` }))
    return {
      folder,
      stop,
      remove: (site) => rmSync(site.folder, { recursive: true, force: true }),
      async site(options = {}) {
        const [httpPort = 0, httpsPort = 0] = await freePorts(2)
        const own = { folder: mkdtempSync(join(folder, 'site-')), http: httpPort, https: httpsPort }
        const defaults = { accessLog: true, threads: 1, routes: 0, h2c: false, rateLimit: 0, processes: 0 } as const
        return { ...shared, ...own, origin: http, originH2c: h2c, live, version: '1', ...defaults, ...options }
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Text that compresses about as well as a style sheet does. */
function contentOf(bytes: number): string {
  const lines: string[] = []
  for (let index = 0, length = 0; length < bytes; index += 1) {
    const line = `.rule-${(index * 2_654_435_761) % 4_294_967_296} { margin: ${index % 97}px; color: #${(index * 7_919) % 1_000}; }\n`
    lines.push(line)
    length += line.length
  }
  return lines.join('').slice(0, bytes)
}

/** For servers that compress nothing while they serve, or not with each algorithm. */
function writeEncodings(file: string): void {
  const content = readFileSync(file)
  writeFileSync(`${file}.gz`, gzipSync(content))
  writeFileSync(`${file}.br`, brotliCompressSync(content))
  writeFileSync(`${file}.zst`, zstdCompressSync(content))
}

/** A self-signed certificate for localhost with an ECDSA key, the same for all servers. */
function certificateIn(folder: string): Pick<Site, 'certificate' | 'key'> {
  const certificate = join(folder, 'certificate.pem')
  const key = join(folder, 'key.pem')
  const words = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost'
  const names = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate]
  const { status, stderr } = spawnSync(programOf('openssl'), ['req', ...words.split(' '), ...names], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`openssl makes no certificate: ${stderr}`)
  return { certificate, key }
}
