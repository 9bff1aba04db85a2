import { beatEvery, heapLimit, readHeartbeat } from '../../gateway/heartbeat.ts'
import { setInterval } from '../../shared/time/timer.ts'
import type { ThreadInspector } from './worker-inspector.ts'

/** Without a beat and without progress for so many looks it hangs: 5 s; while it loads or builds, on a slow machine, 30 s. */
const patience = { serving: 5_000 / beatEvery, building: 30_000 / beatEvery }

/** After so many looks without a beat its event loop is held up, and what its heap holds must be asked for. */
const heldUp = 2

export interface WatchedThread {
  readonly heartbeat: SharedArrayBuffer
  readonly inspector: ThreadInspector
  /** Called once: it makes no progress. */
  hangs(message: string): void
  /** Its heap holds more than the limit; `heldUp`: and its event loop does not turn, so that it can do nothing about it itself. */
  full(heldUp: boolean): void
}

/**
 * Looks at a thread's heartbeat every `beatEvery`. Looks are counted, not time: when the whole process was stopped or starved, this
 * thread looked as seldom as the other beat. A busy thread is not a hung one: one long turn of its event loop has no beat,
 * but requests begin and end in it.
 */
export function watchThread(thread: WatchedThread): () => void {
  const { heartbeat, inspector } = thread
  let seen = readHeartbeat(heartbeat)
  /** Looks since the last beat, and since the last sign of progress. */
  let late = 0
  let still = 0
  /** Which of the two questions below waits for its answer: the second may wait for as long as the thread is held up. */
  let asking = false
  let collecting = false
  let toldFull = false
  let toldHung = false

  /** Garbage counts here: V8 alone collects it while the event loop does not turn. */
  async function judgeHeldUp(): Promise<void> {
    asking = true
    const used = await inspector.heapUsed().catch(endedMeanwhile)
    asking = false
    if (used >= 2 * heapLimit) thread.full(true)
  }

  async function judgeTurning(): Promise<void> {
    collecting = true
    const used = await inspector.collectGarbage().then(inspector.heapUsed).catch(endedMeanwhile)
    collecting = false
    if (used < heapLimit) return
    toldFull = true
    thread.full(false)
  }

  const timer = setInterval(() => {
    const now = readHeartbeat(heartbeat)
    const beating = now.beats !== seen.beats
    late = beating ? 0 : late + 1
    still = beating || now.progress !== seen.progress ? 0 : still + 1
    seen = now
    if (now.beats > 0 && late >= heldUp && !asking) void judgeHeldUp()
    if (beating && now.heap >= heapLimit && !collecting && !toldFull) void judgeTurning()
    const loading = now.beats === 0
    if (toldHung || still < (loading || now.building ? patience.building : patience.serving)) return
    toldHung = true
    thread.hangs(
      loading
        ? 'hangs: it did not begin in 30 s'
        : `hangs: its event loop did not turn for ${(still * beatEvery) / 1_000} s`,
    )
  }, beatEvery)
  return () => clearInterval(timer)
}

/** That is told elsewhere. */
function endedMeanwhile(): number {
  return 0
}
