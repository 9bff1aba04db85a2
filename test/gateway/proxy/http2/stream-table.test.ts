import { expect, it } from 'vitest'
import { StreamTable } from '../../../../src/gateway/proxy/http2/stream-table.ts'

it('gives odd ids that increase, and finds the streams that are open, however long some last', () => {
  const table = new StreamTable<string>()
  const lasting = [table.add('first'), table.add('second')]
  expect(lasting).toEqual([1, 3])
  let last = 3
  for (let n = 0; n < 5_000; n++) {
    const id = table.add(`stream ${n}`)
    expect(id % 2).toBe(1)
    expect(id).toBeGreaterThan(last)
    expect(table.get(id)).toBe(`stream ${n}`)
    expect(table.get(id - 512)).toBeUndefined()
    table.remove(id)
    expect(table.get(id)).toBeUndefined()
    last = id
  }
  expect(table.all()).toEqual(['first', 'second'])
  expect(table.get(1)).toBe('first')
})
