import { randomBytes } from 'node:crypto'
import type { HeartbeatState } from '../../gateway/heartbeat.ts'
import type { GatewayPlan } from '../../plan/model/plan.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServedCertificate, ServedChallenge } from '../../shared/served.ts'
import type { TargetStates } from '../../shared/target-states.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { Sums } from '../../telemetry/metrics-tally.ts'
import { endEarlyThread } from './gateway-thread.ts'
import { RateLimitStores } from './rate-limit-stores.ts'
import {
  type GatewayConfig,
  type GatewayWorker,
  startGatewayWorker,
  type WorkerFault,
  type WorkerSetup,
} from './worker.ts'
import { workerCount } from './worker-count.ts'
import { WorkerMetrics } from './worker-metrics.ts'
import { createWorkerSlot, type WorkerSlot } from './worker-slot.ts'

/** The gateway's threads, seen from the main thread. All of them serve the same. */
export interface GatewayWorkers {
  /** Starts the threads of the first plan, so that they load their code while the rest of the start goes on. */
  prepare(plan: GatewayPlan): void
  /**
   * Puts the config into service in every thread, and starts or drains threads as the plan asks. Rejects with
   * `gateway-failed` if a thread cannot apply it; the others are then put back on the config before.
   */
  apply(config: GatewayConfig): Promise<void>
  setCertificates(certificates: readonly ServedCertificate[]): void
  /** Resolves when every thread shows these to ACME servers, and no others. Never rejects. */
  setChallenges(challenges: readonly ServedChallenge[]): Promise<void>
  /**
   * Sets a new key for session tickets in every thread; older tickets then cost a full handshake. A leaked key opens
   * the TLS 1.2 sessions that were sealed with it, so none is used for long.
   */
  renewTickets(): void
  setTargets(targets: TargetStates): void
  /**
   * Drains a target in every thread; its new state must have been set before. Resolves with the number of responses
   * that were cut after `budget`.
   */
  drainTarget(address: string, budget: Milliseconds): Promise<number>
  /** Readiness is 503 from now on; requests are answered as before. */
  withdraw(): void
  /** Resolves with the number of requests that were cut after `budget`. */
  drain(budget: Milliseconds): Promise<number>
  measure(): WorkerMeasurements
  readonly rateLimitStores: RateLimitStores
  /** Rejects when no thread serves and none can be started. Never resolves. */
  readonly failure: Promise<never>
}

export interface WorkerMeasurements {
  /** How many there should be. */
  readonly count: number
  /** Of all threads of this run, those that ended included. */
  sums(): Sums
  readonly replacements: Readonly<Record<WorkerFault, number>>
  /** Of the threads that serve. */
  readonly vitals: readonly (HeartbeatState & { readonly number: number })[]
}

export interface GatewayWorkersOptions {
  readonly setup: Omit<WorkerSetup, 'ticketKey'>
  readonly log: Log
}

/** For a thread that a reload makes superfluous to finish the responses it began. */
const drainBudget: Milliseconds = 10_000

/** A thread that no connection has reached for this long loses none when it closes its listeners. */
const quiet: Milliseconds = 1_000

/** Threads start with the first plan that has a listener: a Gatehouse that only supervises does not pay for them. */
export function createGatewayWorkers({ setup, log }: GatewayWorkersOptions): GatewayWorkers {
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // handled by those who await it; unhandled it would end the process
  let slots: readonly WorkerSlot[] = []
  /** How many slots are to stay: the first ones. */
  let wantedNow = 0
  const awaitingDrain = new Set<WorkerSlot>()
  let current: GatewayConfig | undefined
  let targets: TargetStates = {}
  let challenges: readonly ServedChallenge[] = []
  let withdrawn = false
  let ticketKey: Uint8Array = randomBytes(48)
  const metrics = new WorkerMetrics()
  const rateLimitStores = new RateLimitStores(log)
  const replacements: Record<WorkerFault, number> = { threw: 0, 'heap-limit': 0, hung: 0, ended: 0 }
  /** Changes of the config are applied one after another. */
  let lastChange: Promise<unknown> = Promise.resolve()

  function serialize<T>(change: () => Promise<T>): Promise<T> {
    const changed = lastChange.then(change)
    lastChange = changed.catch(() => {})
    return changed
  }

  function createSlot(number: number): WorkerSlot {
    return createWorkerSlot({
      number,
      log,
      startWorker(failed) {
        const worker: GatewayWorker = startGatewayWorker(
          { ...setup, ticketKey },
          { failed, storeChanged: (event) => rateLimitStores.update(worker, event) },
        )
        metrics.add(worker)
        worker.send({ type: 'targets', targets })
        void worker.setChallenges(challenges).catch(() => {})
        if (withdrawn) worker.send({ type: 'withdraw' })
        return worker
      },
      // In turn: a reload may change the config meanwhile.
      enterService: (worker) => serialize(async () => current && worker.apply(current, { restoring: true })),
      replacing(fault) {
        replacements[fault] += 1
      },
      lost(error) {
        if (slots.every((slot) => !slot.serving)) failed.reject(error)
      },
    })
  }

  async function applyNow(config: GatewayConfig): Promise<void> {
    const wanted = wantedWorkers(config.plan, slots.length)
    // As a number: each thread holds its share of the limits that are for all of them together.
    const next: GatewayConfig = { ...config, plan: { ...config.plan, threads: Math.max(wanted, 1) } }
    const staying = slots.slice(0, wanted)
    const joining = spareNumbers(slots, wanted - staying.length).map(createSlot)
    // Until no more connections reach them, these serve the new config, too.
    const leaving = slots.slice(wanted)
    const present = [...staying, ...leaving]
    slots = [...present, ...joining]
    const outcomes = await Promise.allSettled(slots.map((slot) => slot.apply(next)))
    const refusal = outcomes.find((outcome) => outcome.status === 'rejected')
    if (refusal) {
      slots = slots.filter((slot) => !joining.includes(slot))
      await Promise.all(joining.map((slot) => slot.end()))
      await putBack(present.filter((_, index) => outcomes[index]?.status === 'fulfilled'))
      throw refusal.reason
    }
    current = next
    wantedNow = wanted
    for (const slot of leaving) drainWhenQuiet(slot)
  }

  /**
   * Closing a listener resets the connections in its queue, and handshakes that are not complete. So a thread is
   * drained when no connection has reached it for a while, unless the next plan wants it back.
   */
  function drainWhenQuiet(slot: WorkerSlot): void {
    if (awaitingDrain.has(slot)) return
    awaitingDrain.add(slot)
    let accepted = slot.worker.vitals.accepted
    const timer = setInterval(() => {
      const before = accepted
      accepted = slot.worker.vitals.accepted
      const index = slots.indexOf(slot)
      const stays = index === -1 || index < wantedNow
      if (!stays && accepted !== before) return
      clearInterval(timer)
      awaitingDrain.delete(slot)
      if (stays) return
      slots = slots.filter((one) => one !== slot)
      const stopped = () => log.info(`gateway thread ${slot.number} has stopped`, { threads: wantedNow })
      void slot.drain(drainBudget).then(stopped)
    }, quiet).unref()
  }

  async function putBack(changed: readonly WorkerSlot[]): Promise<void> {
    const before = current
    if (!before) return
    await Promise.all(
      changed.map((slot) =>
        slot
          .apply(before, { restoring: true })
          .catch((error) => slot.replace({ fault: 'ended', message: `is lost: ${messageOf(error)}` })),
      ),
    )
  }

  function wantedWorkers(plan: GatewayPlan, running: number): number {
    const count = workerCount(plan)
    if (process.platform !== 'linux' && plan.threads !== 'auto' && plan.threads > 1)
      log.warn(`running 1 gateway thread instead of ${plan.threads}: only Linux shares a port between threads`)
    // Without listeners a thread may still have responses to finish, and the next reload may add a listener.
    return count === 0 ? Math.min(running, 1) : count
  }

  return {
    prepare(plan) {
      slots = spareNumbers([], workerCount(plan)).map(createSlot)
      endEarlyThread()
    },
    apply: (config) => serialize(() => applyNow(config)),
    setCertificates(certificates) {
      if (current) current = { ...current, certificates }
      for (const slot of slots) slot.send({ type: 'certificates', certificates })
    },
    async setChallenges(next) {
      challenges = next
      // A thread that is lost meanwhile does not matter: its successor gets them before it listens.
      await Promise.allSettled(slots.map((slot) => slot.setChallenges(next)))
    },
    renewTickets() {
      ticketKey = randomBytes(48)
      for (const slot of slots) slot.send({ type: 'ticket-key', key: ticketKey })
    },
    setTargets(next) {
      targets = next
      for (const slot of slots) slot.send({ type: 'targets', targets })
    },
    measure: () => ({
      count: wantedNow || slots.length,
      sums: () => metrics.sums(),
      replacements,
      vitals: slots.filter(({ serving }) => serving).map(({ number, worker }) => ({ number, ...worker.vitals })),
    }),
    async drainTarget(address, budget) {
      return sum(await Promise.all(slots.map(({ worker }) => worker.drainTarget(address, budget))))
    },
    withdraw() {
      withdrawn = true
      for (const slot of slots) slot.send({ type: 'withdraw' })
    },
    async drain(budget) {
      return sum(await Promise.all(slots.map((slot) => slot.drain(budget))))
    },
    rateLimitStores,
    failure: failed.promise,
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

/** The lowest numbers that no slot has. */
function spareNumbers(slots: readonly WorkerSlot[], count: number): readonly number[] {
  const taken = new Set(slots.map(({ number }) => number))
  return Array.from({ length: slots.length + count }, (_, index) => index + 1)
    .filter((number) => !taken.has(number))
    .slice(0, count)
}
