import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchWorker } from '../../src/app/workers/worker-watchdog.ts'
import { createHeartbeat, heapLimit, heartbeatInterval, startHeartbeat } from '../../src/gateway/heartbeat.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A thread whose event loop is blocked from the start: its beats come only when the test lets it. */
function watched({
  heap = 0,
  afterCollection = heap,
}: {
  readonly heap?: number
  readonly afterCollection?: number
} = {}) {
  const heartbeat = createHeartbeat()
  const reports: string[] = []
  let held = heap
  const thread = startHeartbeat(heartbeat)
  vi.clearAllTimers()
  const cells = new Float64Array(heartbeat)
  cells[1] = heap
  const stop = watchWorker({
    heartbeat,
    inspector: {
      heapUsed: async () => held,
      async collectGarbage() {
        reports.push('collected')
        held = afterCollection
      },
      evaluate: async () => {},
    },
    hangs: (message) => reports.push(message),
    full: (blocked) => reports.push(blocked ? 'full, blocked' : 'full'),
  })
  const beat = () => {
    cells[0] = (cells[0] ?? 0) + 1
  }
  return { thread, reports, stop, beat }
}

/** So many milliseconds go by, with something that happens before each look. */
async function pass(milliseconds: number, happens: () => void = () => {}): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += heartbeatInterval) {
    happens()
    await vi.advanceTimersByTimeAsync(heartbeatInterval)
  }
}

describe('a thread without a beat', () => {
  it('hangs after 5 s, which is reported once', async () => {
    const { reports } = watched()
    await pass(4_900)
    expect(reports).toEqual([])
    await pass(20_000)
    expect(reports).toEqual(['hangs: its event loop was blocked for 5 s'])
  })

  it('does not hang while requests begin and end in one long turn', async () => {
    const { reports, thread } = watched()
    await pass(60_000, thread.progressed)
    expect(reports).toEqual([])
    await pass(5_000)
    expect(reports).toHaveLength(1)
  })

  it('has 30 s while it builds its routes', async () => {
    const { reports, thread } = watched()
    thread.builds(true)
    await pass(29_900)
    expect(reports).toEqual([])
    await pass(100)
    expect(reports).toEqual(['hangs: its event loop was blocked for 30 s'])
  })
})

describe('a thread with a full heap', () => {
  it('is reported when garbage was collected and it is full still', async () => {
    const { reports, beat } = watched({ heap: heapLimit })
    await pass(5_000, beat)
    expect(reports).toEqual(['collected', 'full'])
  })

  it('is not reported if it was garbage', async () => {
    const { reports, beat } = watched({ heap: heapLimit, afterCollection: heapLimit / 2 })
    await pass(heartbeatInterval, beat)
    expect(reports).toEqual(['collected'])
  })

  it('is reported at twice the limit while its event loop is blocked, when nothing can collect', async () => {
    const { reports } = watched({ heap: 2 * heapLimit })
    await pass(300)
    expect(reports).toContain('full, blocked')
    expect(reports).not.toContain('collected')
  })
})
