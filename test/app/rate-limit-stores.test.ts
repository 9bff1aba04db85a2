import { beforeEach, expect, it } from 'vitest'
import { RateLimitStores } from '../../src/app/workers/rate-limit-stores.ts'
import type { StoreEvent } from '../../src/gateway/guards/rate-limit/stores.ts'

const address = 'cache:6379'
const counting: StoreEvent = { id: 1, address, state: 'counting' }
const away: StoreEvent = { id: 1, address, state: 'away', problem: 'connect ECONNREFUSED' }
const closed: StoreEvent = { id: 1, address, state: 'closed' }
const problem = 'Redis at cache:6379 is unavailable, so this replica counts its rate limits alone: connect ECONNREFUSED'

let said: string[]
let stores: RateLimitStores
beforeEach(() => {
  said = []
  const say = (level: string) => (message: string) => void said.push(`${level}: ${message}`)
  stores = new RateLimitStores({ info: say('info'), warn: say('warn'), error: say('error') })
})

it('one outage is reported once, however many threads notice it, and is over when all of them count again', () => {
  const [first, second] = [{ state: 'well' }, { state: 'well' }]
  for (const thread of [first, second]) stores.update(thread, counting)
  expect(said).toEqual(['info: rate limits are counted by Redis at cache:6379'])
  for (const thread of [first, second, first]) stores.update(thread, away)
  expect(stores.counting).toBe(false)
  expect(stores.problems()).toEqual([problem])
  stores.update(first, counting)
  expect(stores.problems()).toEqual([problem])
  stores.update(second, counting)
  expect(stores.counting).toBe(true)
  expect(stores.problems()).toEqual([])
  expect(said.slice(1)).toEqual([
    `warn: ${problem}`,
    expect.stringMatching(
      /^info: Redis at cache:6379 is back after \d+ms: rate limits are shared by all replicas again$/,
    ),
  ])
})

it('the reports of a thread that is over are forgotten', () => {
  const thread = { state: 'well' }
  stores.update(thread, away)
  thread.state = 'over'
  expect(stores.problems()).toEqual([])
  expect(stores.counting).toBeUndefined()
})

it('a reload that removes the store ends the outage without a message', () => {
  const thread = { state: 'well' }
  stores.update(thread, away)
  stores.update(thread, closed)
  expect(stores.problems()).toEqual([])
  stores.update(thread, { ...counting, id: 2, address: 'other:6379' })
  expect(said).toEqual([`warn: ${problem}`, 'info: rate limits are counted by Redis at other:6379'])
})

it('a reload that fixes the password is over when the store before is closed', () => {
  const thread = { state: 'well' }
  stores.update(thread, away)
  stores.update(thread, { ...counting, id: 2 })
  expect(stores.problems()).toEqual([problem])
  stores.update(thread, closed)
  expect(stores.problems()).toEqual([])
  expect(said.at(-1)).toMatch(/^info: Redis at cache:6379 is back/)
})

it('a store that a reload names instead of one that is away is not said to be back', () => {
  const thread = { state: 'well' }
  const other = { ...counting, id: 2, address: 'other:6379' }
  stores.update(thread, away)
  stores.update(thread, other)
  stores.update(thread, closed)
  expect(said).toEqual([`warn: ${problem}`, 'info: rate limits are counted by Redis at other:6379'])
})
