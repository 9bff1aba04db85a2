import { afterEach, describe, expect, it } from 'vitest'
import type { Balance } from '../../src/plan/model/upstreams.ts'
import { ask } from './clients.ts'
import { cleanUp, type RunningGateway, startGateway } from './support.ts'
import { toUpstream, upstreamPlan } from './upstream-plans.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

/** Three targets, which answer with their own letter. */
async function three(balance: Balance): Promise<RunningGateway> {
  const targets = await Promise.all(
    ['a', 'b', 'c'].map((letter) => upstream((_request, response) => response.end(letter))),
  )
  const plan = upstreamPlan(
    targets.map(({ port }) => port),
    { balance },
  )
  return startGateway({ routes: [toUpstream], upstreams: [plan] })
}

async function answers(gateway: RunningGateway, count: number): Promise<string> {
  let seen = ''
  for (let i = 0; i < count; i++) seen += (await ask(gateway, 'h1')).body
  return seen
}

describe('an upstream of several targets', () => {
  it('asks them in turn', async () => {
    expect(await answers(await three('round-robin'), 7)).toBe('abcabca')
  })

  it('asks the first as long as it is up', async () => {
    expect(await answers(await three('first'), 4)).toBe('aaaa')
  })

  it('asks them at random', async () => {
    const seen = await answers(await three('random'), 60)
    // All three with a probability of 1 - 3 · (2/3)^60.
    expect([...new Set(seen)].sort()).toEqual(['a', 'b', 'c'])
  })

  it('asks the one with the least under way, and those with as little in turn', async () => {
    const arrived = Promise.withResolvers<void>()
    const busy = Promise.withResolvers<void>()
    const slow = await upstream((request, response) => {
      if (request.url !== '/slow') return void response.end('slow')
      arrived.resolve()
      response.write('s')
      void busy.promise.then(() => response.end('low'))
    })
    const quick = await upstream((_request, response) => response.end('quick'))
    const plan = upstreamPlan([slow.port, quick.port], { balance: 'least-requests' })
    const gateway = await startGateway({ routes: [toUpstream], upstreams: [plan] })
    const first = ask(gateway, 'h1', { path: '/slow' })
    await arrived.promise
    expect(await answers(gateway, 5)).toBe('quick'.repeat(5))
    busy.resolve()
    expect((await first).body).toBe('slow')
    expect(await answers(gateway, 4)).toMatch(/^(slowquick){2}$|^(quickslow){2}$/)
  })
})
