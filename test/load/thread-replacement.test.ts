import { afterEach, describe, expect, it } from 'vitest'
import {
  between,
  Connection,
  oneSecond,
  onTwoThreads,
  probe,
  startThreads,
  type Threads,
} from '../faults/gateway/thread-support.ts'

let threads: Threads | undefined

afterEach(async () => {
  await threads?.stop()
  threads = undefined
})

/** After every fault: the other thread, the supervisor and the child are unaffected. */
async function expectUnaffected(
  { gatehouse, child, port, metric }: Threads,
  before: readonly string[],
  reason: string,
): Promise<void> {
  expect(await metric(`gatehouse_gateway_thread_replacements_total{reason="${reason}"}`)).toBe(1)
  // The counts of the replaced thread are kept.
  const logged = gatehouse.lines.filter(({ path, status }) => path === '/pid' && status === 200).length
  const total = await metric('gatehouse_http_requests_total{route="/* → api",method="GET",status="200"}')
  expect(total).toBeGreaterThanOrEqual(logged)
  expect(gatehouse.pidOf('api')).toBe(child)
  expect(gatehouse.lines.filter(({ message }) => message === 'started')).toHaveLength(1)
  const { one, other, names } = await onTwoThreads(port)
  one.close()
  other.close()
  expect(names.filter((name) => !before.includes(name))).toHaveLength(1)
}

describe.each([
  {
    fault: 'an uncaught exception',
    path: '/fault/throw',
    said: /^gateway thread \d threw: thrown by the test/,
  },
  {
    fault: 'an unhandled rejection',
    path: '/fault/reject',
    said: /^gateway thread \d threw: rejected by the test/,
  },
])('a gateway thread with $fault', ({ path, said }) => {
  it('is replaced within 1 s, after its successor listens, and finishes what it had begun', async () => {
    threads = await startThreads({ threads: 2 })
    const { gatehouse, port, child } = threads
    const { one, other, names } = await onTwoThreads(port)
    const bystander = probe(other, child)
    const slow = one.ask('/slow?ms=1500')
    await gatehouse.waitFor({ process: 'api', message: 'waiting 1' })
    const fresh = new Connection(port)
    // The connection of the slow request is taken, so the fault comes in by another one to the same thread.
    for (let hit = ''; hit !== names[0]; ) {
      const trial = new Connection(port)
      hit = (await trial.ask('/pid')).thread
      if (hit === names[0]) await trial.ask(path)
      trial.close()
    }
    const failed = await gatehouse.waitFor({ message: said })
    const replaced = await gatehouse.waitFor({ message: /^gateway thread \d was replaced/ })
    expect(between(failed, replaced)).toBeLessThan(oneSecond(gatehouse))
    expect(await slow).toMatchObject({ status: 200, body: 'slow', thread: names[0] })
    expect((await fresh.ask('/pid')).status).toBe(200)
    fresh.close()
    one.close()
    await bystander.stop()
    expect(bystander.failures).toEqual([])
    await expectUnaffected(threads, names, 'threw')
  })
})

describe('a gateway thread that fills its heap', () => {
  it('is replaced within 1 s; the other thread serves on', async () => {
    threads = await startThreads({ threads: 2 })
    const { gatehouse, port, child } = threads
    const { one, other, names } = await onTwoThreads(port)
    const bystander = probe(other, child)
    await one.ask('/fault/heap').catch(() => {}) // its connection is lost with the thread
    const failed = await gatehouse.waitFor({ message: /^gateway thread \d reached its heap limit/ })
    const replaced = await gatehouse.waitFor({ message: /^gateway thread \d was replaced/ })
    expect(between(failed, replaced)).toBeLessThan(oneSecond(gatehouse))
    one.close()
    await bystander.stop()
    expect(bystander.failures).toEqual([])
    await expectUnaffected(threads, names, 'heap-limit')
  }, 60_000)
})

describe('a gateway thread that hangs', () => {
  it('is replaced within 6 s, after its successor listens; the other thread serves on', async () => {
    threads = await startThreads({ threads: 2 })
    const { gatehouse, port, child } = threads
    const { one, other, names } = await onTwoThreads(port)
    const bystander = probe(other, child)
    const asked = performance.now()
    await one.ask('/fault/hang').catch(() => {})
    await gatehouse.waitFor({ message: /^gateway thread \d hangs/ })
    await gatehouse.waitFor({ message: /^gateway thread \d was replaced/ })
    expect(performance.now() - asked).toBeLessThan(5_250 + oneSecond(gatehouse))
    one.close()
    await bystander.stop()
    expect(bystander.failures).toEqual([])
    expect(Math.max(...bystander.durations)).toBeLessThan(1_000)
    await expectUnaffected(threads, names, 'hung')
  }, 60_000)
})

describe('the only gateway thread', () => {
  it('is replaced without a refused connection when it throws', async () => {
    threads = await startThreads({ threads: 1 })
    const { gatehouse, port, child } = threads
    const failures: string[] = []
    let replaced = false
    const ask = async () => {
      const connection = new Connection(port)
      try {
        const { status, body } = await connection.ask('/pid')
        if (status !== 200 || body !== String(child)) failures.push(`${status} ${body}`)
      } catch (error) {
        failures.push(String(error))
      }
      connection.close()
    }
    await new Connection(port).ask('/fault/throw')
    // Closing a listener resets what waits in its queue at that instant: one connection of one client, at most.
    const until = gatehouse.waitFor({ message: /^gateway thread 1 was replaced/ }).then(() => {
      replaced = true
    })
    while (!replaced) await ask()
    await until
    for (let index = 0; index < 50; index += 1) await ask()
    expect(failures.filter((failure) => !failure.includes('ECONNRESET'))).toEqual([])
    expect(failures.length).toBeLessThan(2)
  })

  it('is replaced again and again with a growing pause, which is logged, and the run continues', async () => {
    threads = await startThreads({ threads: 1 })
    const { gatehouse, port, child } = threads
    for (let round = 0; round < 4; round += 1) {
      const after = gatehouse.lines.length
      const connection = new Connection(port)
      // Once more if the thread before closed its listener with this connection in the queue: the request was not read
      // then.
      const { thread } = await connection.ask('/fault/throw').catch(() => connection.ask('/fault/throw'))
      await gatehouse.waitFor({ message: /^gateway thread 1 was replaced/ }, { after })
      // Drained, it ends its idle connection; until then a new one might wait in the queue of the one that goes.
      while ((await connection.ask('/pid').catch(() => undefined))?.thread === thread);
      connection.close()
    }
    const said = gatehouse.lines.filter(({ fault }) => fault === 'threw').map(({ message }) => String(message))
    expect(said.map((message) => /in (\d+) ms$/.exec(message)?.[1])).toEqual([undefined, undefined, '250', '500'])
    expect(await new Connection(port).ask('/pid')).toMatchObject({ status: 200, body: String(child) })
  })
})
