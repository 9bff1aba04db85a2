import { beforeEach, expect, it } from 'vitest'
import { StoreWatch } from '../../src/app/workers/rate-limit-stores.ts'
import type { StoreNews } from '../../src/gateway/guards/rate-limit/stores.ts'

const address = 'cache:6379'
const counting: StoreNews = { id: 1, address, state: 'counting' }
const away: StoreNews = { id: 1, address, state: 'away', trouble: 'connect ECONNREFUSED' }
const closed: StoreNews = { id: 1, address, state: 'closed' }
const trouble = 'this replica counts its rate limits alone: the Redis at cache:6379 is away: connect ECONNREFUSED'

let said: string[]
let watch: StoreWatch
beforeEach(() => {
  said = []
  const say = (level: string) => (message: string) => void said.push(`${level}: ${message}`)
  watch = new StoreWatch({ info: say('info'), warn: say('warn'), error: say('error') })
})

it('one outage is told once, however many threads notice it, and is over when all of them count again', () => {
  const [first, second] = [{ state: 'well' }, { state: 'well' }]
  for (const thread of [first, second]) watch.heard(thread, counting)
  expect(said).toEqual(['info: rate limits are counted by the Redis at cache:6379'])
  for (const thread of [first, second, first]) watch.heard(thread, away)
  expect(watch.counting).toBe(false)
  expect(watch.troubles()).toEqual([trouble])
  watch.heard(first, counting)
  expect(watch.troubles()).toEqual([trouble])
  watch.heard(second, counting)
  expect(watch.counting).toBe(true)
  expect(watch.troubles()).toEqual([])
  expect(said.slice(1)).toEqual([
    `warn: ${trouble}`,
    expect.stringMatching(
      /^info: rate limits are those of all replicas again: the Redis at cache:6379 is back after \d+ms$/,
    ),
  ])
})

it('what a thread that is over has said counts no more', () => {
  const thread = { state: 'well' }
  watch.heard(thread, away)
  thread.state = 'over'
  expect(watch.troubles()).toEqual([])
  expect(watch.counting).toBeUndefined()
})

it('a reload that takes the store away ends the matter without a word of its return', () => {
  const thread = { state: 'well' }
  watch.heard(thread, away)
  watch.heard(thread, closed)
  expect(watch.troubles()).toEqual([])
  watch.heard(thread, { ...counting, id: 2, address: 'other:6379' })
  expect(said).toEqual([`warn: ${trouble}`, 'info: rate limits are counted by the Redis at other:6379'])
})

it('a reload that mends the password is over when the store before is closed', () => {
  const thread = { state: 'well' }
  watch.heard(thread, away)
  watch.heard(thread, { ...counting, id: 2 })
  expect(watch.troubles()).toEqual([trouble])
  watch.heard(thread, closed)
  expect(watch.troubles()).toEqual([])
  expect(said.at(-1)).toMatch(/^info: rate limits are those of all replicas again/)
})

it('a store that a reload names instead of one that is away is not said to be back', () => {
  const thread = { state: 'well' }
  const other = { ...counting, id: 2, address: 'other:6379' }
  watch.heard(thread, away)
  watch.heard(thread, other)
  watch.heard(thread, closed)
  expect(said).toEqual([`warn: ${trouble}`, 'info: rate limits are counted by the Redis at other:6379'])
})
