/**
 * The binary under load for as many minutes as GATEHOUSE_SOAK says (20), and until 5 million requests are answered: its
 * memory and descriptors must not grow with the number of requests.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { h2load } from '../../bench/load/h2load.ts'
import type { LoadResult } from '../../bench/load/load.ts'
import { wrk } from '../../bench/load/wrk.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { binary, projectFolder } from '../e2e/support/gatehouse.ts'

const minutes = Number(process.env.GATEHOUSE_SOAK ?? 20)
const least = minutes * 250_000
const seconds = 5

interface Sample {
  /** Millions of requests that were answered before it. */
  readonly millions: number
  /** MB. */
  readonly resident: number
  readonly descriptors: number
}

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-soak-'))
let gatehouse: ChildProcess | undefined
afterAll(async () => {
  if (gatehouse?.kill()) await once(gatehouse, 'exit')
  rmSync(folder, { recursive: true })
})

it(`${minutes} minutes of load leave no trace in memory and descriptors`, {
  timeout: (2 * minutes + 2) * 60_000,
}, async () => {
  const [plain, tls, api] = await freePorts(3)
  mkdirSync(join(folder, 'files'))
  writeFileSync(join(folder, 'files/a.txt'), 'a'.repeat(1_400))
  writeFileSync(join(folder, 'files/large.txt'), 'b'.repeat(136_000))
  const config = join(folder, 'gatehouse.yaml')
  writeFileSync(
    config,
    `
gateway:
  threads: 1
  listeners: { http: { address: "127.0.0.1:${plain}" }, https: { address: "127.0.0.1:${tls}", tls: true } }
  routes:
    - { path: /files/*, files: { root: . } }
    - { to: api }
processes:
  api: { command: [node, ${projectFolder}/test/e2e/programs/upstream.js], port: ${api}, ready: { http: /health, every: 50ms } }
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
  )
  const [program = ''] = binary
  // A line for each request: they are written, and kept nowhere.
  const env = { PATH: process.env.PATH, HOME: folder }
  const child = spawn(program, ['run', config], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  gatehouse = child
  const { pid = 0 } = child
  const http = `http://127.0.0.1:${plain}`
  const https = `https://localhost:${tls}`
  while (!(await fetch(`${http}/api/pid`).catch(() => undefined))?.ok) await pause(50)
  const loads: (() => Promise<LoadResult>)[] = [
    () => wrk({ url: `${http}/api/pid`, connections: 64, seconds, folder }),
    () => h2load({ url: `${https}/api/pid`, connections: 8, streams: 16, seconds, folder }),
    () => wrk({ url: `${https}/api/pid`, connections: 32, seconds, folder }),
    () => wrk({ url: `${http}/api/echo`, connections: 32, seconds, post: 20_000, folder }),
    () => wrk({ url: `${http}/files/large.txt`, connections: 32, seconds, folder }),
    () => h2load({ url: `${https}/files/a.txt`, connections: 8, streams: 16, seconds, folder }),
    () => wrk({ url: `${http}/files/a.txt`, connections: 64, seconds, folder }),
  ]
  const samples: Sample[] = []
  const began = performance.now()
  let requests = 0
  let failures = 0
  while (samples.length < 6 || performance.now() - began < minutes * 60_000 || requests < least) {
    for (const load of loads) {
      const result = await load()
      requests += result.requests
      failures += result.failures
    }
    samples.push({ millions: requests / 1e6, ...footprint(pid) })
  }
  // What V8 has compiled and sized by then is the same from there on.
  const settled = samples.slice(Math.ceil(samples.length / 3))
  const growth = slope(settled.map(({ millions, resident }) => [millions, resident]))
  const ends = [settled[0], settled.at(-1)].map((sample) => `${sample?.resident.toFixed(1)} MB`).join(' to ')
  console.log(
    `${requests} requests, ${failures} failures; RSS ${ends}, ${growth.toFixed(2)} MB a million requests; descriptors ` +
      `${Math.min(...settled.map(({ descriptors }) => descriptors))} to ${Math.max(...settled.map(({ descriptors }) => descriptors))}`,
  )
  expect(failures).toBe(0)
  expect(growth).toBeLessThan(1)
  const [first = 0, last = 0] = [settled[0]?.descriptors, settled.at(-1)?.descriptors]
  // Connections that the upstream's pool holds come and go.
  expect(last).toBeLessThan(first + 64)
  child.kill()
  expect(await once(child, 'exit')).toEqual([0, null])
})

function footprint(pid: number): Omit<Sample, 'millions'> {
  const resident = Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024
  return { resident, descriptors: readdirSync(`/proc/${pid}/fd`).length }
}

/** Least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (of: readonly number[]) => of.reduce((sum, one) => sum + one, 0) / of.length
  const [x, y] = [mean(points.map(([first]) => first)), mean(points.map(([, second]) => second))]
  const over = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0)
  return over / points.reduce((sum, [px]) => sum + (px - x) ** 2, 0)
}
