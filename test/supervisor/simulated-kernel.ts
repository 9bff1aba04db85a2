/**
 * A kernel in which programs are born and die as a seed says, for tests of ten thousand events: it stands in for
 * spawn.ts, group.ts and the network behind the probes. Everything above them is the real thing.
 */
import type { Readable } from 'node:stream'
import type { Exit } from '../../src/supervisor/spawn/exit.ts'
import type { Spawned } from '../../src/supervisor/spawn/spawn.ts'

/** mulberry32: the same numbers in [0, 1) for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

interface Group {
  leader: boolean
  /** Others of the group: they outlive the leader unless they are signalled. */
  others: number
  readonly ignoresSignals: boolean
  readonly exit: (how: Exit) => void
}

export type Health = 'good' | 'bad' | 'hangs'

export class SimulatedKernel {
  random: () => number = Math.random
  /** Those behind it work. */
  nextSpawn: 'works' | 'fails' | 'fails for the moment' = 'works'
  health: Health = 'good'
  readonly #groups = new Map<number, Group>()
  #pids = 1

  reset(random: () => number): void {
    this.random = random
    this.nextSpawn = 'works'
    this.health = 'good'
    this.#groups.clear()
  }

  /** Groups in which anyone lives. */
  get copies(): number {
    return [...this.#groups.keys()].filter((pid) => this.isAlive(pid)).length
  }

  get leaders(): number {
    return [...this.#groups.values()].filter(({ leader }) => leader).length
  }

  spawn(): Spawned {
    if (this.nextSpawn !== 'works') {
      const transient = this.nextSpawn === 'fails for the moment'
      this.nextSpawn = 'works'
      return { failed: Promise.resolve({ reason: 'could not be spawned', exitCode: 126, transient }) }
    }
    const { promise: exited, resolve: exit } = Promise.withResolvers<Exit>()
    const pid = ++this.#pids
    const others = this.random() < 0.3 ? 1 : 0
    this.#groups.set(pid, { leader: true, others, ignoresSignals: this.random() < 0.3, exit })
    return { child: { pid, stdout: null, stderr: null, notifications: new Map<number, Readable>(), exited } }
  }

  isAlive(pid: number): boolean {
    const group = this.#groups.get(pid)
    return group !== undefined && (group.leader || group.others > 0)
  }

  signal(pid: number, signal: NodeJS.Signals): boolean {
    const group = this.#groups.get(pid)
    if (!group || !this.isAlive(pid)) return false
    if (signal === 'SIGKILL' || !group.ignoresSignals) {
      group.others = 0
      this.#end(group, { code: null, signal })
    }
    return true
  }

  /** Whoever leads now ends; others of the group stay. */
  endLeaders(how: Exit): void {
    for (const group of this.#groups.values()) this.#end(group, how)
  }

  /** One attempt of a probe. */
  async probe(signal: AbortSignal): Promise<string | undefined> {
    if (this.health === 'good') return undefined
    if (this.health === 'bad') return 'answered 503'
    return new Promise((resolve) => {
      const gone = () => resolve('no answer')
      if (signal.aborted) gone()
      else signal.addEventListener('abort', gone, { once: true })
    })
  }

  #end(group: Group, how: Exit): void {
    if (!group.leader) return
    group.leader = false
    group.exit(how)
  }
}
