/**
 * `npm run bench [-- SECONDS [ROUNDS]]`: proxy and a hot file, Gatehouse against the installed peers, in one run.
 * Rounds alternate (ours, theirs, ours, theirs …), since the speed of a shared machine drifts; it prints medians and
 * their ratios. CPU microseconds a request, of the server and its descendants, is the steadiest figure.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../test/e2e/support/free-ports.ts'
import { load, loadProgram } from './load.ts'
import { gatehouse, isInstalled, nginx, nginxCommand, type Peer, peers } from './peers.ts'
import { printTable, type Sample, save } from './report.ts'
import { startServer } from './servers.ts'

const [seconds = 4, rounds = 3] = process.argv.slice(2).map(Number)
const connections = 32
const fileSize = 10_000
const warmup = 2

const scenarios = [
  { name: 'proxy', path: '/api/hello' },
  { name: 'file', path: '/files/hot.css' },
] as const

if (!existsSync(loadProgram)) throw new Error('wrk is missing (Debian: wrk)')
if (!isInstalled(gatehouse)) throw new Error('dist/gatehouse is missing: npm run build')
if (!isInstalled(nginx)) throw new Error('nginx is missing, which is the upstream as well (Debian: nginx-light)')

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'))
try {
  await measureAll()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measureAll(): Promise<void> {
  const [upstream = 0] = await freePorts(1)
  const site = { upstream, files: join(folder, 'www') }
  mkdirSync(join(site.files, 'files'), { recursive: true })
  writeFileSync(join(site.files, 'files/hot.css'), 'a'.repeat(fileSize))
  // nginx answers from its configuration, which is cheaper than any proxy in front of it: it is never the bottleneck.
  const originFolder = newFolder('origin')
  const hello = `server { listen 127.0.0.1:${upstream} backlog=4096; keepalive_requests 1000000; location / { return 200 "hello"; } }`
  const origin = await startServer(nginxCommand(originFolder, hello), upstream)
  try {
    for (const peer of peers) if (!isInstalled(peer)) console.log(`${peer.name} is not installed and is left out`)
    const results: Record<string, readonly Sample[]> = {}
    for (const { name, path } of scenarios) {
      const contenders = [gatehouse, ...peers.filter((peer) => isInstalled(peer) && peer.serves.includes(name))]
      const samples: Sample[] = []
      for (let round = 1; round <= rounds; round += 1) {
        for (const peer of contenders) {
          samples.push(await measure(peer, path, site))
          process.stderr.write(`${name}: round ${round} of ${rounds}, ${peer.name} done\n`)
        }
      }
      printTable(`${name}: ${connections} connections, ${seconds} s, median of ${rounds}`, samples)
      results[name] = samples
    }
    console.log(`\nwritten to ${save('load', { connections, seconds, rounds, fileSize, results })}`)
  } finally {
    await origin.stop()
  }
}

async function measure(peer: Peer, path: string, shared: { upstream: number; files: string }): Promise<Sample> {
  const [port = 0] = await freePorts(1)
  const server = await startServer(peer.prepare({ ...shared, port, folder: newFolder(peer.name) }), port)
  try {
    const url = `http://127.0.0.1:${port}${path}`
    await load(url, connections, warmup)
    const before = server.cpu()
    const result = await load(url, connections, seconds)
    return {
      server: peer.name,
      cpu: (server.cpu() - before) / result.requests,
      rate: result.rate,
      p50: result.p50,
      p99: result.p99,
      memory: server.peakMemory(),
      failures: result.failures,
    }
  } finally {
    await server.stop()
  }
}

function newFolder(name: string): string {
  return mkdtempSync(join(folder, `${name}-`))
}
