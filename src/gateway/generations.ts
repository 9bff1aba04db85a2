import type { GatewayPlan } from '../plan/model/plan.ts'
import type { Log } from '../shared/log.ts'
import type { TargetStates } from '../shared/target-states.ts'
import type { AccessLog } from '../telemetry/access-log.ts'
import { createFileStore } from './files/store.ts'
import { buildGeneration, type Generation, type GenerationResources } from './generation.ts'
import type { GuardResources } from './guards/guard-resources.ts'
import { Plugins } from './plugins/plugins.ts'
import type { Exchange } from './request/exchange.ts'
import { createUpstreams, type Upstreams } from './upstream/upstreams.ts'

/**
 * The generations of one thread, which follow one another, and the resources that outlive them: upstreams, files,
 * guards.
 */
export class Generations {
  /** Answers all new requests; undefined until the first plan is applied. */
  current: GenerationRef | undefined
  readonly #guards: GuardResources
  readonly #upstreams: Upstreams
  /** One object for all generations: a closure made while one is built would keep the previous one in memory. */
  readonly #resources: GenerationResources
  #targets: TargetStates = {}
  #withdrawn = false

  constructor(guards: GuardResources, log: Log) {
    const targets = () => this.#targets
    this.#guards = guards
    this.#upstreams = createUpstreams(targets, log)
    this.#resources = {
      upstreams: this.#upstreams,
      files: createFileStore(),
      guards,
      plugins: new Plugins(log, targets),
      targets,
      withdrawn: () => this.#withdrawn,
    }
  }

  /** See `buildGeneration`; the current generation stays in place. */
  build(plan: GatewayPlan, restoring: boolean): Promise<Generation> {
    return buildGeneration(plan, this.#resources, restoring)
  }

  setTargets(targets: TargetStates): void {
    this.#targets = targets
    this.#upstreams.follow()
  }

  /** Readiness answers 503 from now on. */
  withdraw(): void {
    this.#withdrawn = true
  }

  /**
   * Closes the connections to upstreams, auth services and rate limit stores. Resolves when plugins are closed, or have
   * taken too long.
   */
  async close(): Promise<void> {
    await this.#resources.plugins.close()
    this.#upstreams.close()
    this.#guards.close()
  }
}

/**
 * Counts the answers that a generation still owes, and closes it after the last one once another has replaced it.
 * Tunnels and event streams need nothing of it once they run: a WebSocket that stays open for days keeps no old
 * generation in memory.
 */
export class GenerationRef {
  readonly generation: Generation
  readonly log: AccessLog
  #answering = 0
  #retired = false

  constructor(generation: Generation, log: AccessLog) {
    this.generation = generation
    this.log = log
  }

  begin(exchange: Exchange): void {
    this.#answering += 1
    exchange.onSettled(() => {
      this.#answering -= 1
      this.#closeIfDone()
    })
  }

  /** It gets no more requests. */
  retire(): void {
    this.#retired = true
    this.#closeIfDone()
  }

  #closeIfDone(): void {
    if (this.#retired && this.#answering === 0) this.generation.close()
  }
}
