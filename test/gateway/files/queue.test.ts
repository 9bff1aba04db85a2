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
    const queue = createQueue({ concurrency: 2, waiting: 1_000 * kibibyte })
    const { begun, work, end } = recorder()
    const all = ['l1', 'l2', 'l3'].map((name) => queue.later(work(name), 1))
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

  it.each(['soon', 'later'] as const)('refuses what would wait too long, wanted %s', async (when) => {
    const queue = createQueue({ concurrency: 1, waiting: 100 * kibibyte })
    const { begun, work, end } = recorder()
    const first = queue[when](work('first'), 5_000 * kibibyte)
    await expect.poll(() => begun).toEqual(['first'])
    // However small, each takes its time.
    const small = Array.from({ length: 6 }, (_, n) => queue[when](work(`small${n}`), 1))
    expect(queue[when](work('one too many'), 16 * kibibyte)).toBeUndefined()
    for (const name of ['first', ...small.map((_, n) => `small${n}`)]) {
      await expect.poll(() => begun.at(-1)).toBe(name)
      end(name)
    }
    await Promise.all([first, ...small])
    // However big, one may always wait.
    const [big, bigger] = ['big', 'bigger'].map((name) => queue[when](work(name), 5_000 * kibibyte))
    for (const name of ['big', 'bigger']) {
      await expect.poll(() => begun.at(-1)).toBe(name)
      end(name)
    }
    expect(await Promise.all([big, bigger])).toEqual(['big', 'bigger'])
  })

  it('continues after work that failed', async () => {
    const queue = createQueue({ concurrency: 1, waiting: 100 * kibibyte })
    const failed = queue.later(() => Promise.reject(new Error('no')), 1)
    const next = queue.later(() => Promise.resolve('yes'), 1)
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe('yes')
  })
})
