import { describe, expect, it } from 'vitest'
import { Recent } from '../../../src/gateway/files/recent.ts'

describe('what was used lately', () => {
  it('is kept within the budget, whatever comes', () => {
    const recent = new Recent<number>(1_000)
    for (let i = 0; i < 10_000; i += 1) recent.set(`key ${i}`, i, 10)
    const kept = Array.from({ length: 10_000 }, (_, i) => recent.get(`key ${i}`)).filter((value) => value !== undefined)
    expect(kept.length).toBeGreaterThanOrEqual(50)
    expect(kept.length).toBeLessThanOrEqual(100)
    expect(kept.at(-1)).toBe(9_999)
  })

  it('stays while it is used, through a flood of requests for other files', () => {
    const recent = new Recent<string>(1_000)
    recent.set('hot', 'hot', 100)
    for (let i = 0; i < 10_000; i += 1) {
      recent.set(`flood ${i}`, 'cold', 10)
      if (i % 40 === 0) expect(recent.get('hot')).toBe('hot')
    }
  })

  it('counts what it grows by', () => {
    const recent = new Recent<string>(1_000)
    recent.set('a', 'a', 10)
    recent.grow('a', 300)
    recent.set('b', 'b', 300)
    expect([recent.get('a'), recent.get('b')]).toEqual(['a', 'b'])
    recent.set('c', 'c', 450)
    recent.set('d', 'd', 450)
    expect(recent.get('a')).toBeUndefined()
    recent.grow('a', 10)
    expect(recent.get('a')).toBeUndefined()
  })

  it('does not keep what alone would push out everything', () => {
    const recent = new Recent<string>(1_000)
    recent.set('small', 'small', 10)
    recent.set('huge', 'huge', 501)
    expect([recent.get('small'), recent.get('huge')]).toEqual(['small', undefined])
    recent.set('grows', 'grows', 10)
    recent.grow('grows', 1_000)
    expect([recent.get('small'), recent.get('grows')]).toEqual(['small', undefined])
  })

  it('forgets deleted keys', () => {
    const recent = new Recent<string>(1_000)
    recent.set('a', 'a', 400)
    recent.delete('a')
    recent.delete('a')
    expect(recent.get('a')).toBeUndefined()
    recent.set('b', 'b', 400)
    expect(recent.get('b')).toBe('b')
  })
})
