import { describe, expect, it } from 'vitest'
import { createQueue } from '../../../src/gateway/files/queue.ts'

const kibibyte = 1024

function recorder() {
  const ends = new Map<string, () => void>()
  const begun: string[] = []
  const work = (name: string) => () => {
    begun.push(name)
    return new Promise<string>((resolve) => ends.set(name, () => resolve(name)))
  }
  return { begun, work, end: (name: string) => ends.get(name)?.() }
}

describe('a queue', () => {
  it('does so many things at once, those that somebody waits for first', async () => {
    const queue = createQueue({ atOnce: 2, waiting: { soon: 1_000 * kibibyte, later: 2 } })
    const { begun, work, end } = recorder()
    const all = [queue.later(work('l1')), queue.later(work('l2')), queue.later(work('l3'))]
    all.push(queue.soon(work('s1'), 1), queue.soon(work('s2'), 1))
    await expect.poll(() => begun).toEqual(['l1', 'l2'])
    for (const name of ['l2', 'l1', 's1', 's2']) {
      end(name)
      const next = begun.length + 1
      await expect.poll(() => begun.length).toBe(Math.min(next, 5))
    }
    expect(begun).toEqual(['l1', 'l2', 's1', 's2', 'l3'])
    end('l3')
    expect(await Promise.all(all)).toEqual(['l1', 'l2', 'l3', 's1', 's2'])
  })

  it('refuses what would wait too long: by bytes what is wanted soon, by number what is for later', async () => {
    const queue = createQueue({ atOnce: 1, waiting: { soon: 100 * kibibyte, later: 1 } })
    const { begun, work, end } = recorder()
    const first = queue.soon(work('first'), 5_000 * kibibyte)
    await expect.poll(() => begun).toEqual(['first'])
    // However small, each takes its time.
    const small = Array.from({ length: 6 }, (_, n) => queue.soon(work(`small${n}`), 1))
    expect(queue.soon(work('one too many'), 16 * kibibyte)).toBeUndefined()
    const later = queue.later(work('later'))
    expect(queue.later(work('another'))).toBeUndefined()
    for (const name of ['first', ...small.map((_, n) => `small${n}`), 'later']) {
      await expect.poll(() => begun.at(-1)).toBe(name)
      end(name)
    }
    await Promise.all([first, ...small, later])
    const big = queue.soon(work('big'), 5_000 * kibibyte)
    await expect.poll(() => begun.at(-1)).toBe('big')
    end('big')
    expect(await big).toBe('big')
  })

  it('goes on after work that failed', async () => {
    const queue = createQueue({ atOnce: 1, waiting: { soon: kibibyte, later: 5 } })
    const failed = queue.later(() => Promise.reject(new Error('no')))
    const next = queue.later(() => Promise.resolve('yes'))
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })
})
