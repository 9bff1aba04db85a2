/** The comparison with other servers: every row, for every server that can do it, in rounds. */

import { join } from 'node:path'
import { wrk } from './load/wrk.ts'
import { fromDisk } from './measure/binary.ts'
import { type CpuSets, cpuSets, pinToLoad } from './measure/cpus.ts'
import { type RunningServer, startServer } from './measure/server.ts'
import { gatehouse } from './peers/gatehouse.ts'
import { findContenders } from './peers/peers.ts'
import { installPrograms } from './peers/programs.ts'
import type { Found, Peer } from './peers/site.ts'
import { prepareSurroundings, type Surroundings } from './peers/surroundings.ts'
import { type Measure, type Row, type Run, type Sample, warmup } from './rows/row.ts'

export interface Options {
  readonly rounds: number
  /** Of each measurement. */
  readonly seconds: number
  /** Names of the peers; default: all. */
  readonly peers?: readonly string[]
}

export type Contender = Found & { readonly peer: Peer }

export interface RowResult {
  readonly row: string
  /** By server: one sample a round, undefined where it failed. */
  readonly samples: Readonly<Record<string, readonly (Sample | undefined)[]>>
  readonly failures: readonly string[]
}

export interface Comparison {
  readonly servers: readonly { readonly name: string; readonly version: string }[]
  readonly cpus: CpuSets
  readonly results: readonly RowResult[]
}

/** A server in a row. */
interface Stage {
  readonly name: string
  readonly measure: Measure
  stop(): Promise<void>
}

/** For one measurement or warm-up, beyond the seconds that it loads: starts, stops and thousands of connections. */
const limit = 120_000

/** Measures the rows; calls `save` with what there is after each, so that nothing is lost if the run is cut short. */
export async function compare(
  rows: readonly Row[],
  options: Options,
  save: (comparison: Comparison) => void,
): Promise<Comparison> {
  installPrograms(['wrk', 'h2load', 'nginx', 'openssl'])
  const found = findContenders(options.peers)
  const cpus = cpuSets()
  pinToLoad(cpus)
  const surroundings = await prepareSurroundings(cpus.load)
  try {
    const contenders = found.map((one) =>
      one.peer === gatehouse ? { ...one, program: fromDisk(one.program, join(surroundings.folder, 'gatehouse')) } : one,
    )
    const bench = new Bench(contenders, surroundings, cpus, options)
    const servers = contenders.map(({ peer, version }) => ({ name: peer.name, version }))
    const results: RowResult[] = []
    for (const [index, row] of rows.entries()) {
      results.push(await bench.row(row, `[${index + 1}/${rows.length}] ${row.name}`))
      save({ servers, cpus, results })
    }
    return { servers, cpus, results }
  } finally {
    await surroundings.stop()
  }
}

class Bench {
  readonly #contenders: readonly Contender[]
  readonly #surroundings: Surroundings
  readonly #cpus: CpuSets
  readonly #options: Options
  #capacity: Promise<number> | undefined

  constructor(contenders: readonly Contender[], surroundings: Surroundings, cpus: CpuSets, options: Options) {
    this.#contenders = contenders
    this.#surroundings = surroundings
    this.#cpus = cpus
    this.#options = options
  }

  /** Rounds in turn, each beginning with the next server, since the speed of a shared machine drifts. */
  async row(row: Row, title: string): Promise<RowResult> {
    const able = this.#contenders.filter(({ peer }) => row.needs.every((need) => peer.features.includes(need)))
    const samples: Record<string, (Sample | undefined)[]> = {}
    const failures: string[] = []
    const stages: Stage[] = []
    try {
      for (const contender of able) stages.push(await this.#stage(row, contender))
      for (let round = 0; round < this.#options.rounds; round += 1) {
        const first = round % able.length
        for (const { name, measure } of [...stages.slice(first), ...stages.slice(0, first)]) {
          const sample = await measure().catch((error: Error) => {
            failures.push(`${name}, round ${round + 1}: ${error.message}`)
            return undefined
          })
          samples[name] = [...(samples[name] ?? []), sample]
          const figures = sample === undefined ? `FAILED: ${failures.at(-1)}` : describe(sample)
          process.stderr.write(`${title}, round ${round + 1} of ${this.#options.rounds}, ${name}: ${figures}\n`)
        }
      }
    } finally {
      await Promise.all(stages.map(({ stop }) => stop()))
    }
    return { row: row.name, samples, failures }
  }

  /** What measures a row at this server, which is started and warm if the row wants that. */
  async #stage(row: Row, contender: Contender): Promise<Stage> {
    const { name } = contender.peer
    if ('warm' in row) {
      const { run, stop } = await this.#run(row, contender)
      const measure = await this.#inTime(row.warm(run)).catch((error: Error) => () => Promise.reject(error))
      return { name, measure: () => this.#inTime(measure()), stop }
    }
    const measure = async () => {
      const { run, stop } = await this.#run(row, contender)
      return this.#inTime(row.measure(run)).finally(stop)
    }
    return { name, measure, stop: async () => {} }
  }

  /** A site for the server; `stop` ends what was started for it. */
  async #run(row: Row, { peer, program }: Contender): Promise<{ readonly run: Run; stop(): Promise<void> }> {
    const site = await this.#surroundings.site(row.site)
    const started: RunningServer[] = []
    const start = async () => {
      const server = await startServer({
        command: peer.prepare(site, program),
        url: `http://127.0.0.1:${site.http}/version`,
        cpus: this.#cpus.server(site.threads),
        output: site.accessLog ? join(site.folder, 'output.log') : '/dev/null',
      })
      started.push(server)
      return server
    }
    const { seconds } = this.#options
    const capacity = () => this.capacity()
    return {
      run: { peer, program, site, surroundings: this.#surroundings, cpus: this.#cpus, seconds, start, capacity },
      stop: async () => {
        await Promise.all(started.map((server) => server.stop()))
        this.#surroundings.remove(site)
      },
    }
  }

  /** Rejects if it takes too long. */
  async #inTime<Result>(work: Promise<Result>): Promise<Result> {
    let timer: NodeJS.Timeout | undefined
    const tooLong = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`takes longer than ${limit / 1000} s`))
      timer = setTimeout(fail, limit + this.#options.seconds * 3_000)
    })
    return Promise.race([work, tooLong]).finally(() => clearTimeout(timer))
  }

  /** Requests a second that Gatehouse can proxy, measured once. */
  capacity(): Promise<number> {
    this.#capacity ??= this.#measureCapacity()
    return this.#capacity
  }

  async #measureCapacity(): Promise<number> {
    const ours = this.#contenders.find(({ peer }) => peer === gatehouse)
    if (ours === undefined) throw new Error('the capacity of Gatehouse is unknown, as it does not take part')
    const site = await this.#surroundings.site()
    const url = `http://127.0.0.1:${site.http}/`
    const server = await startServer({
      command: gatehouse.prepare(site, ours.program),
      url,
      cpus: this.#cpus.server(1),
      output: join(site.folder, 'output.log'),
    })
    try {
      await wrk({ url, connections: 32, seconds: warmup, folder: site.folder })
      return (await wrk({ url, connections: 32, seconds: 3, folder: site.folder })).rate
    } finally {
      await server.stop()
    }
  }
}

function describe(sample: Sample): string {
  return Object.entries(sample)
    .map(([figure, value]) => `${figure} ${value.toPrecision(4)}`)
    .join(', ')
}
