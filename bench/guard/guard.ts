/**
 * `npm run bench -- --guard [COMMIT]`: has what Gatehouse is measured by become dearer since that commit? Both binaries
 * run at the same time, warm, and are loaded in turn, a second each, so that a machine whose speed drifts slows both.
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
import { warmup } from '../rows/row.ts'
import { binaryOf, commitOf, lastLanded, presentBinary } from './build.ts'

const rounds = 8
/** Then the loaded servers are replaced: V8 compiles the same program in more than one way, and not all are as fast. */
const roundsOfServers = 4
/** The floor needs no more of them. */
const roundsOfBareNode = 2
/** Milliseconds after which no further round begins. */
const timeLimit = 220_000
/** Of each contender in each round. */
const starts = 3
/** Seconds. */
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
    const guard = new Guard(surroundings, cpus.server(1), samples)
    for (let first = 1; first <= rounds; first += roundsOfServers) {
      const servers = await guard.warmServers(first <= roundsOfBareNode ? [...contenders, bareNode] : contenders)
      try {
        for (let round = first; round < first + roundsOfServers && performance.now() - begun < timeLimit; round += 1) {
          const which = round <= roundsOfBareNode ? servers : servers.slice(0, contenders.length)
          // Who comes first changes from round to round.
          const turn = round % 2 === 0 ? which.toReversed() : which
          await guard.measureStarts(turn)
          await guard.measureLoads(turn)
          process.stderr.write(`round ${round} of ${rounds}\n`)
        }
      } finally {
        await guard.stop(servers)
      }
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

/** A contender that runs. */
interface Server {
  readonly contender: Contender
  readonly site: Site
  readonly server: RunningServer
}

class Guard {
  readonly #surroundings: Surroundings
  readonly #cpus: string
  readonly #samples: Samples

  constructor(surroundings: Surroundings, cpus: string, samples: Samples) {
    this.#surroundings = surroundings
    this.#cpus = cpus
    this.#samples = samples
  }

  /** One of each, after every load. */
  async warmServers(contenders: readonly Contender[]): Promise<readonly Server[]> {
    const servers: Server[] = []
    try {
      for (const contender of contenders) servers.push(await this.#start(contender))
      for (const { site } of servers) for (const load of loads) await load.run(site, warmup)
      return servers
    } catch (error) {
      await this.stop(servers)
      throw error
    }
  }

  async stop(servers: readonly Server[]): Promise<void> {
    for (const { site, server } of servers) {
      await server.stop()
      this.#surroundings.remove(site)
    }
  }

  /** How long new servers take to start, and how much memory the last ones take. */
  async measureStarts(turn: readonly Server[]): Promise<void> {
    const idle: Server[] = []
    try {
      for (let count = 1; count <= starts; count += 1)
        for (const { contender } of turn) {
          const started = await this.#start(contender)
          this.#add(start, contender, started.server.startedIn)
          if (count === starts) idle.push(started)
          else await this.stop([started])
        }
      await new Promise((resolve) => setTimeout(resolve, settle * 1000))
      for (const { contender, server } of idle) this.#add(memory, contender, server.memory() / 1e6)
    } finally {
      await this.stop(idle)
    }
  }

  async measureLoads(turn: readonly Server[]): Promise<void> {
    for (const load of loads) {
      const used = new Map<Contender, { readonly cpu: number; readonly requests: number }>()
      for (const { contender, site, server } of [...turn, ...turn.toReversed()]) {
        const cpu = server.cpu()
        const { requests, failures } = await load.run(site, slice)
        if (failures > 0) throw new Error(`${load.name}: ${failures} requests to ${contender.name} failed`)
        const total = used.get(contender) ?? { cpu: 0, requests: 0 }
        used.set(contender, { cpu: total.cpu + server.cpu() - cpu, requests: total.requests + requests })
      }
      for (const [contender, { cpu, requests }] of used)
        this.#add(`${load.name}, CPU µs a request`, contender, cpu / requests)
    }
  }

  async #start(contender: Contender): Promise<Server> {
    const site = await this.#surroundings.site()
    const url = `http://127.0.0.1:${site.http}/files/small.css`
    const output = `${site.folder}/access.log`
    const server = await startServer({ command: contender.command(site), cpus: this.#cpus, url, output })
    return { contender, site, server }
  }

  #add(quantity: string, { name }: Contender, value: number): void {
    const of = this.#samples[quantity] ?? {}
    this.#samples[quantity] = { ...of, [name]: [...(of[name] ?? []), value] }
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
