import { randomInt } from 'node:crypto'
import { expect, it } from 'vitest'
import { OpenStreams } from '../../../../src/gateway/listen/http2/open-streams.ts'

const stream = (id: number) => ({ stream: { id } })

it('finds what a Map would find, in whatever order streams are closed', () => {
  const streams = new OpenStreams<ReturnType<typeof stream>>()
  const expected = new Map<number, ReturnType<typeof stream>>()
  let id = -1
  for (let i = 0; i < 5_000; i++) {
    id += 2 * randomInt(1, 4)
    const one = stream(id)
    streams.add(one)
    expected.set(id, one)
    // Also those that are closed already, or never were.
    const other = randomInt(0, 3) === 0 ? id - randomInt(0, 400) : [...expected.keys()][randomInt(expected.size)]
    expect(streams.get(other as number)).toBe(expected.get(other as number))
    if (expected.size > 100 || randomInt(2) === 0) {
      streams.delete(other as number)
      expected.delete(other as number)
    }
    expect(streams.size).toBe(expected.size)
  }
  expect(streams.all()).toEqual([...expected.values()])
})
