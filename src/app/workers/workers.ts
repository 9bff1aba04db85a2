import { randomBytes } from 'node:crypto'
import type { Vitals } from '../../gateway/heartbeat.ts'
import type { GatewayPlan } from '../../plan/model/plan.ts'
import { messageOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { ServedCertificate, ServedChallenge } from '../../shared/served.ts'
import type { TargetStates } from '../../shared/target-states.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { Sums } from '../../telemetry/metrics-tally.ts'
import { StoreWatch } from './rate-limit-stores.ts'
import { ThreadMetrics } from './thread-metrics.ts'
import {
  type GatewayConfig,
  type GatewayWorker,
  type GatewayWorkerBirth,
  startGatewayWorker,
  type ThreadFault,
} from './worker.ts'
import { threadCount } from './worker-count.ts'
import { createWorkerSlot, type WorkerSlot } from './worker-slot.ts'

/** The gateway's threads, seen from the main thread. All of them serve the same. */
export interface GatewayWorkers {
  /**
   * Puts the plan into service in every thread, and begins or ends threads as it asks. Rejects with `gateway-failed` if one of them
   * could not; the others are then put back on what they served before.
   */
  apply(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<void>
  setCertificates(certificates: readonly ServedCertificate[]): void
  /** Resolves when every thread shows these to ACME servers, and no others. Never rejects. */
  setChallenges(challenges: readonly ServedChallenge[]): Promise<void>
  /**
   * A new key for session tickets, in every thread: no connection notices, and older tickets cost a full handshake. Whoever
   * learns a key can read the sessions of TLS 1.2 that were sealed with it, so none is kept for long.
   */
  renewTickets(): void
  setTargets(targets: TargetStates): void
  /**
   * Every thread takes leave of a target; what is known of it must be told before. Resolves with the number of answers that were
   * cut when `budget` milliseconds were over.
   */
  drainTarget(origin: string, budget: number): Promise<number>
  /** Readiness says 503 from now on; requests are answered as before. */
  withdraw(): void
  /** Resolves with the number of requests that had to be cut when `budget` milliseconds were over. */
  drain(budget: number): Promise<number>
  /** What they have counted and how they are, at this moment. */
  measure(): ThreadsMeasured
  readonly stores: StoreWatch
  /** Rejects when no thread serves and none can be started. Never resolves. */
  readonly failure: Promise<never>
}

export interface ThreadsMeasured {
  /** How many there should be. */
  readonly count: number
  /** Of all threads that there were, also of those that ended. */
  sums(): Sums
  readonly replacements: Readonly<Record<ThreadFault, number>>
  /** Of the threads that serve. */
  readonly vitals: readonly (Vitals & { readonly number: number })[]
}

export interface GatewayWorkersOptions {
  readonly birth: Omit<GatewayWorkerBirth, 'ticketKey'>
  readonly log: Log
}

/** How long a thread that a reload takes away may go on with the answers it began. */
const farewell = 10_000

/** No connection has come to a thread for so long: none will be lost if it leaves. */
const quiet = 1_000

/** Threads begin with the first plan that has a listener: a Gatehouse that only supervises does not pay for them. */
export function createGatewayWorkers({ birth, log }: GatewayWorkersOptions): GatewayWorkers {
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {}) // told through whoever awaits it; alone it must not end the process
  let posts: readonly WorkerSlot[] = []
  /** How many of them are to stay: the first ones. */
  let wantedNow = 0
  const awaitingLeave = new Set<WorkerSlot>()
  let service: GatewayConfig | undefined
  let targets: TargetStates = {}
  let challenges: readonly ServedChallenge[] = []
  let withdrawn = false
  let ticketKey: Uint8Array = randomBytes(48)
  const threadMetrics = new ThreadMetrics()
  const stores = new StoreWatch(log)
  const replacements: Record<ThreadFault, number> = { threw: 0, 'heap-limit': 0, hung: 0, ended: 0 }
  /** Changes of what is served follow one another, so that no two of them meet in one thread. */
  let lastChange: Promise<unknown> = Promise.resolve()

  function inTurn<T>(change: () => Promise<T>): Promise<T> {
    const changed = lastChange.then(change)
    lastChange = changed.catch(() => {})
    return changed
  }

  function postNumbered(number: number): WorkerSlot {
    return createWorkerSlot({
      number,
      log,
      hire(failed) {
        const thread: GatewayWorker = startGatewayWorker(
          { ...birth, ticketKey },
          { failed, storeChanged: (news) => stores.heard(thread, news) },
        )
        threadMetrics.add(thread)
        thread.say({ type: 'targets', targets })
        void thread.setChallenges(challenges).catch(() => {})
        if (withdrawn) thread.say({ type: 'withdraw' })
        return thread
      },
      // A reload may have changed what is served by the time it is this thread's turn.
      enterService: (thread) => inTurn(async () => service && thread.apply(service.plan, service.certificates)),
      relieved(fault) {
        replacements[fault] += 1
      },
      lost(error) {
        if (posts.every((one) => !one.serving)) failed.reject(error)
      },
    })
  }

  async function applyNow(asked: GatewayConfig): Promise<void> {
    const wanted = wantedThreads(asked.plan, posts.length)
    // Told as a number, since each thread holds its share of what is limited for all of them together.
    const next: GatewayConfig = { ...asked, plan: { ...asked.plan, threads: Math.max(wanted, 1) } }
    const staying = posts.slice(0, wanted)
    const joining = spareNumbers(posts, wanted - staying.length).map(postNumbered)
    // They serve until nothing comes to them any more, and until then they serve what all serve.
    const leaving = posts.slice(wanted)
    const present = [...staying, ...leaving]
    posts = [...present, ...joining]
    const tried = await Promise.allSettled(posts.map((post) => post.apply(next)))
    const refusal = tried.find((outcome) => outcome.status === 'rejected')
    if (refusal) {
      posts = posts.filter((post) => !joining.includes(post))
      await Promise.all(joining.map((post) => post.end()))
      await putBack(present.filter((_, index) => tried[index]?.status === 'fulfilled'))
      throw refusal.reason
    }
    service = next
    wantedNow = wanted
    for (const post of leaving) leaveWhenQuiet(post)
  }

  /**
   * Whatever waits in the queue of a listener is reset when it is closed, and so is a handshake that is under way. So a thread goes when
   * no connection has come to it for a while; unless the next plan wants it back.
   */
  function leaveWhenQuiet(post: WorkerSlot): void {
    if (awaitingLeave.has(post)) return
    awaitingLeave.add(post)
    let accepted = post.thread.vitals.accepted
    const timer = setInterval(() => {
      const before = accepted
      accepted = post.thread.vitals.accepted
      const place = posts.indexOf(post)
      const stays = place === -1 || place < wantedNow
      if (!stays && accepted !== before) return
      clearInterval(timer)
      awaitingLeave.delete(post)
      if (stays) return
      posts = posts.filter((one) => one !== post)
      void post.drain(farewell).then(() => log.info(`gateway thread ${post.number} has left`, { threads: wantedNow }))
    }, quiet).unref()
  }

  async function putBack(changed: readonly WorkerSlot[]): Promise<void> {
    const before = service
    if (!before) return
    await Promise.all(
      changed.map((post) =>
        post.apply(before).catch((error) => post.relieve({ fault: 'ended', message: `is lost: ${messageOf(error)}` })),
      ),
    )
  }

  function wantedThreads(plan: GatewayPlan, running: number): number {
    const count = threadCount(plan)
    if (process.platform !== 'linux' && plan.threads !== 'auto' && plan.threads > 1)
      log.warn(`only Linux shares a port between threads: 1 gateway thread runs instead of ${plan.threads}`)
    // With its last listener gone a thread still owes answers, and the next reload may bring a listener again.
    return count === 0 ? Math.min(running, 1) : count
  }

  return {
    apply: (plan, certificates) => inTurn(() => applyNow({ plan, certificates })),
    setCertificates(certificates) {
      if (service) service = { ...service, certificates }
      for (const post of posts) post.say({ type: 'certificates', certificates })
    },
    async setChallenges(next) {
      challenges = next
      // One that is lost meanwhile is no loss: its successor is told before it listens.
      await Promise.allSettled(posts.map((post) => post.setChallenges(next)))
    },
    renewTickets() {
      ticketKey = randomBytes(48)
      for (const post of posts) post.say({ type: 'ticket-key', key: ticketKey })
    },
    setTargets(next) {
      targets = next
      for (const post of posts) post.say({ type: 'targets', targets })
    },
    measure: () => ({
      count: wantedNow || posts.length,
      sums: () => threadMetrics.sums(),
      replacements,
      vitals: posts.filter(({ serving }) => serving).map(({ number, thread }) => ({ number, ...thread.vitals })),
    }),
    async drainTarget(origin, budget) {
      const cuts = await Promise.all(posts.map(({ thread }) => thread.drainTarget(origin, budget)))
      return cuts.reduce((sum, cut) => sum + cut, 0)
    },
    withdraw() {
      withdrawn = true
      for (const post of posts) post.say({ type: 'withdraw' })
    },
    async drain(budget) {
      const cuts = await Promise.all(posts.map((post) => post.drain(budget)))
      return cuts.reduce((sum, cut) => sum + cut, 0)
    },
    stores,
    failure: failed.promise,
  }
}

/** The lowest that no post has. */
function spareNumbers(posts: readonly WorkerSlot[], count: number): readonly number[] {
  const taken = new Set(posts.map(({ number }) => number))
  return Array.from({ length: posts.length + count }, (_, index) => index + 1)
    .filter((number) => !taken.has(number))
    .slice(0, count)
}
