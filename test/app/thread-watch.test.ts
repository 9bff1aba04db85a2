import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { watchThread } from '../../src/app/workers/worker-watchdog.ts'
import { beatEvery, beatInto, createHeartbeat, heapLimit } from '../../src/gateway/heartbeat.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A thread whose event loop is held up from the start: its beats come only when the test lets it. */
function watched({
  heap = 0,
  afterCollection = heap,
}: {
  readonly heap?: number
  readonly afterCollection?: number
} = {}) {
  const heartbeat = createHeartbeat()
  const told: string[] = []
  let held = heap
  const thread = beatInto(heartbeat)
  vi.clearAllTimers()
  const cells = new Float64Array(heartbeat)
  cells[1] = heap
  const stop = watchThread({
    heartbeat,
    inspector: {
      heapUsed: async () => held,
      async collectGarbage() {
        told.push('collected')
        held = afterCollection
      },
      evaluate: async () => {},
    },
    hangs: (message) => told.push(message),
    full: (heldUp) => told.push(heldUp ? 'full, held up' : 'full'),
  })
  const beat = () => {
    cells[0] = (cells[0] ?? 0) + 1
  }
  return { thread, told, stop, beat }
}

/** So many milliseconds go by, with something that happens before each look. */
async function pass(milliseconds: number, happens: () => void = () => {}): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += beatEvery) {
    happens()
    await vi.advanceTimersByTimeAsync(beatEvery)
  }
}

describe('a thread without a beat', () => {
  it('hangs after 5 s, which is told once', async () => {
    const { told } = watched()
    await pass(4_900)
    expect(told).toEqual([])
    await pass(20_000)
    expect(told).toEqual(['hangs: its event loop did not turn for 5 s'])
  })

  it('does not hang while requests begin and end in one long turn', async () => {
    const { told, thread } = watched()
    await pass(60_000, thread.progressed)
    expect(told).toEqual([])
    await pass(5_000)
    expect(told).toHaveLength(1)
  })

  it('has 30 s while it builds its routes', async () => {
    const { told, thread } = watched()
    thread.builds(true)
    await pass(29_900)
    expect(told).toEqual([])
    await pass(100)
    expect(told).toEqual(['hangs: its event loop did not turn for 30 s'])
  })
})

describe('a thread with a full heap', () => {
  it('is told of when garbage was collected and it is full still', async () => {
    const { told, beat } = watched({ heap: heapLimit })
    await pass(5_000, beat)
    expect(told).toEqual(['collected', 'full'])
  })

  it('is not told of if it was garbage', async () => {
    const { told, beat } = watched({ heap: heapLimit, afterCollection: heapLimit / 2 })
    await pass(beatEvery, beat)
    expect(told).toEqual(['collected'])
  })

  it('is told of at twice the limit while its event loop is held up, when nobody can collect', async () => {
    const { told } = watched({ heap: 2 * heapLimit })
    await pass(300)
    expect(told).toContain('full, held up')
    expect(told).not.toContain('collected')
  })
})
