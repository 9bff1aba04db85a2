import { heapLimit, heartbeatInterval, readHeartbeat } from '../../gateway/heartbeat.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { WorkerInspector } from './worker-inspector.ts'

/**
 * In looks without a beat and without progress, before it counts as hung: 5 s; while it loads or builds, on a slow
 * machine, 30 s.
 */
const patience = { serving: 5_000 / heartbeatInterval, building: 30_000 / heartbeatInterval }

/** In looks without a beat, after which the event loop counts as blocked: it reports its heap no more. */
const blockedAfter = 2

export interface WatchedWorker {
  readonly heartbeat: SharedArrayBuffer
  readonly inspector: WorkerInspector
  /** Called once: it makes no progress. */
  hangs(message: string): void
  /** Its heap holds more than the limit; `blocked`: and its event loop does not turn, so it cannot drain by itself. */
  full(blocked: boolean): void
}

/**
 * Reads a thread's heartbeat every `heartbeatInterval`; returns what stops that. Looks are counted, not time: a process that
 * was stopped or starved looked as seldom as the thread beat. A busy thread is not a hung one: one long turn of its
 * event loop has no beat, but requests begin and end in it.
 */
export function watchWorker(worker: WatchedWorker): () => void {
  const { heartbeat, inspector } = worker
  let seen = readHeartbeat(heartbeat)
  /** Looks since the last beat, and since the last sign of progress. */
  let late = 0
  let still = 0
  /** Which of the two questions below is open: the second may be for as long as the thread is blocked. */
  let asking = false
  let collecting = false
  let reportedFull = false
  let reportedHung = false

  /** Twice the limit, since garbage counts here: V8 alone collects it while the event loop is blocked. */
  async function checkBlocked(): Promise<void> {
    asking = true
    const used = await inspector.heapUsed().catch(endedMeanwhile)
    asking = false
    if (used >= 2 * heapLimit) worker.full(true)
  }

  async function checkTurning(): Promise<void> {
    collecting = true
    const used = await inspector.collectGarbage().then(inspector.heapUsed).catch(endedMeanwhile)
    collecting = false
    if (used < heapLimit) return
    reportedFull = true
    worker.full(false)
  }

  const timer = setInterval(() => {
    const now = readHeartbeat(heartbeat)
    const beating = now.beats !== seen.beats
    late = beating ? 0 : late + 1
    still = beating || now.progress !== seen.progress ? 0 : still + 1
    seen = now
    if (now.beats > 0 && late >= blockedAfter && !asking) void checkBlocked()
    if (beating && now.heap >= heapLimit && !collecting && !reportedFull) void checkTurning()
    const loading = now.beats === 0
    if (reportedHung || still < (loading || now.building ? patience.building : patience.serving)) return
    reportedHung = true
    worker.hangs(
      loading
        ? 'hangs: it did not start within 30 s'
        : `hangs: its event loop was blocked for ${(still * heartbeatInterval) / 1_000} s`,
    )
  }, heartbeatInterval)
  return () => clearInterval(timer)
}

/** The end of a thread is reported by its worker. */
function endedMeanwhile(): number {
  return 0
}
