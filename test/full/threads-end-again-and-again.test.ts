/** What test/load/thread-ends-under-load.test.ts does once, many times, with reloads in between. */
import { afterEach, describe, expect, it } from 'vitest'
import { uploadOverH2 } from '../faults/gateway/h2-uploads.ts'
import { startThreads } from '../faults/gateway/thread-support.ts'

const rounds = 6

const endings: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of endings.splice(0)) await end()
})

describe('gateway threads that end under load and reloads', () => {
  it.each(['/fault/hang', '/fault/hang-at-once', '/fault/heap', '/fault/heap-at-once', '/fault/exit'])(
    `by %s, ${rounds} times: each is replaced, and the process lives on`,
    async (fault) => {
      const threads = await startThreads({ threads: 2, tls: true })
      const { gatehouse, child, https } = threads
      const uploads = uploadOverH2(https, 4)
      const reloads = setInterval(() => gatehouse.signal('SIGHUP'), 1_000)
      endings.push(async () => {
        clearInterval(reloads)
        uploads.stop()
        await threads.stop()
      })
      for (let round = 0; round < rounds; round += 1) {
        await uploads.more(200)
        const after = gatehouse.lines.length
        uploads.ask(fault)
        await gatehouse.waitFor({ message: /^gateway thread \d was replaced/ }, { after, timeout: 60_000 })
      }
      clearInterval(reloads)
      await uploads.more(200)
      uploads.stop()
      expect(gatehouse.pidOf('api')).toBe(child)
      expect(await gatehouse.stop()).toEqual({ code: 0, signal: null })
    },
    300_000,
  )
})
