/**
 * `npm run bench -- --guard [COMMIT]`: has what Gatehouse is measured by become dearer since that commit? Both binaries
 * run at the same time and are loaded in turn, a second each, so that a machine whose speed drifts slows both.
 */
import { join } from 'node:path'
import { h2load } from '../load/h2load.ts'
import type { LoadResult } from '../load/load.ts'
import { wrk } from '../load/wrk.ts'
import { fromDisk } from '../measure/binary.ts'
import { cpuSets, pinToLoad } from '../measure/cpus.ts'
import { type RunningServer, startServer } from '../measure/server.ts'
import { median, ratioOf } from '../measure/statistics.ts'
import { gatehouseCommand } from '../peers/gatehouse.ts'
import { installPrograms } from '../peers/programs.ts'
import type { Site } from '../peers/site.ts'
import { prepareSurroundings, type Surroundings } from '../peers/surroundings.ts'
import { binaryOf, commitOf, lastLanded, presentBinary } from './build.ts'

const rounds = 8
/** The floor needs no more of them. */
const roundsOfBareNode = 2
/** Milliseconds after which no further round begins. */
const timeLimit = 200_000
/** Of each contender in each round. */
const starts = 3
/** Seconds. */
const warmup = 1
const slice = 1
const settle = 2

/** Highest ratio of the present binary to the other one. */
const bounds = { cpu: 1.08, start: 1.15, memory: 1.15 }

interface Contender {
  readonly name: 'present' | 'before' | 'bare node'
  command(site: Site): readonly string[]
}

interface Load {
  readonly name: string
  run(site: Site, seconds: number): Promise<LoadResult>
}

const loads: readonly Load[] = [
  {
    name: 'proxy h1',
    run: (site, seconds) =>
      wrk({ url: `http://127.0.0.1:${site.http}/`, connections: 32, seconds, folder: site.folder }),
  },
  {
    name: 'hot file h1, 1.4 KB',
    run: (site, seconds) =>
      wrk({ url: `http://127.0.0.1:${site.http}/files/small.css`, connections: 32, seconds, folder: site.folder }),
  },
  {
    name: 'proxy TLS h2',
    run: (site, seconds) =>
      h2load({ url: `https://localhost:${site.https}/`, connections: 8, streams: 8, seconds, folder: site.folder }),
  },
]

const start = 'exec to first 200, ms'
const memory = 'idle RSS, MB'

/** Of a quantity, by contender, in the order of the measurements. */
type Samples = Record<string, Partial<Record<Contender['name'], number[]>>>

/** Prints a table; resolves with whether the present sources are within the bounds. */
export async function guard(name = lastLanded()): Promise<boolean> {
  const begun = performance.now()
  installPrograms(['wrk', 'h2load', 'nginx', 'openssl'])
  const commit = commitOf(name)
  const before = binaryOf(commit)
  const present = presentBinary()
  const cpus = cpuSets()
  pinToLoad(cpus)
  const surroundings = await prepareSurroundings(cpus.load)
  const samples: Samples = {}
  try {
    const binaries = { before, present }
    const contenders: readonly Contender[] = (['before', 'present'] as const).map((which) => {
      const binary = fromDisk(binaries[which], join(surroundings.folder, which))
      return { name: which, command: (site) => gatehouseCommand(site, binary) }
    })
    for (let round = 1; round <= rounds && performance.now() - begun < timeLimit; round += 1) {
      // Who comes first changes from round to round.
      const turn = round % 2 === 0 ? contenders.toReversed() : contenders
      const all = round <= roundsOfBareNode ? [...turn, bareNode] : turn
      await measure(all, surroundings, cpus.server(1), samples)
      process.stderr.write(`round ${round} of ${rounds}\n`)
    }
  } finally {
    await surroundings.stop()
  }
  console.log(`\nThe present sources against ${name} (${commit.slice(0, 12)}), the shortest start, else medians:\n`)
  return report(samples)
}

const bareNode: Contender = {
  name: 'bare node',
  command({ http, https, certificate, key }) {
    const script = join(import.meta.dirname, '../peers/bare-node.ts')
    return [process.execPath, script, String(http), String(https), certificate, key, '1400']
  },
}

async function measure(
  contenders: readonly Contender[],
  surroundings: Surroundings,
  cpus: string,
  samples: Samples,
): Promise<void> {
  const add = (quantity: string, name: Contender['name'], value: number) => {
    const of = samples[quantity] ?? {}
    samples[quantity] = { ...of, [name]: [...(of[name] ?? []), value] }
  }
  const running: { readonly name: Contender['name']; readonly site: Site; readonly server: RunningServer }[] = []
  try {
    for (let turn = 1; turn <= starts; turn += 1)
      for (const { name, command } of contenders) {
        const site = await surroundings.site()
        const url = `http://127.0.0.1:${site.http}/files/small.css`
        const output = `${site.folder}/access.log`
        const server = await startServer({ command: command(site), cpus, url, output })
        add(start, name, server.startedIn)
        if (turn === starts) running.push({ name, site, server })
        else {
          await server.stop()
          surroundings.remove(site)
        }
      }
    await new Promise((resolve) => setTimeout(resolve, settle * 1000))
    for (const { name, server } of running) add(memory, name, server.memory() / 1e6)
    for (const load of loads) {
      for (const { site } of running) await load.run(site, warmup)
      const used: Partial<Record<Contender['name'], { readonly cpu: number; readonly requests: number }>> = {}
      for (const { name, site, server } of [...running, ...running.toReversed()]) {
        const cpu = server.cpu()
        const { requests, failures } = await load.run(site, slice)
        if (failures > 0) throw new Error(`${load.name}: ${failures} requests to ${name} failed`)
        const total = used[name] ?? { cpu: 0, requests: 0 }
        used[name] = { cpu: total.cpu + server.cpu() - cpu, requests: total.requests + requests }
      }
      for (const { name } of running) {
        const { cpu = 0, requests = 0 } = used[name] ?? {}
        add(`${load.name}, CPU µs a request`, name, cpu / requests)
      }
    }
  } finally {
    for (const { server } of running) await server.stop()
  }
}

function report(samples: Samples): boolean {
  const columns = ['', 'bare node', 'before', 'present', 'ratio', 'rounds', 'at most', '']
  const lines = Object.entries(samples).map(([quantity, all]) => {
    const of = (name: Contender['name']) => all[name] ?? []
    // A start takes a few hundred milliseconds, and whatever else the machine does only makes it longer: the shortest
    // one says most. Everything else was measured in turn, so that the ratio of each round says more than its values.
    const typical = (values: readonly number[]) => (quantity === start ? Math.min(...values) : median(values))
    const rounds = ratioOf(of('present'), of('before'))
    const ratio = quantity === start ? typical(of('present')) / typical(of('before')) : (rounds?.median ?? Number.NaN)
    const bound = { [start]: bounds.start, [memory]: bounds.memory }[quantity] ?? bounds.cpu
    const values = (['bare node', 'before', 'present'] as const).map((name) => typical(of(name)).toFixed(1))
    const spread = rounds ? `${rounds.lowest.toFixed(2)} to ${rounds.highest.toFixed(2)}` : ''
    return [quantity, ...values, ratio.toFixed(3), spread, bound.toFixed(2), ratio <= bound ? 'ok' : 'WORSE']
  })
  const widths = columns.map((_, column) => Math.max(...[columns, ...lines].map((line) => line[column]?.length ?? 0)))
  for (const line of [columns, ...lines])
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
  return lines.length > 0 && lines.every((line) => line.at(-1) === 'ok')
}
