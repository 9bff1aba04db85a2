import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-shadowed-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Each route that is never reached: its index and that of the route before it. Each route is on a line of its own. */
function shadowed(routes: readonly string[]): readonly (readonly [number, number])[] {
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, `gateway:\n  routes:\n${routes.map((route) => `    - { ${route} }\n`).join('')}`)
  const { diagnostics } = readPlan(file, {})
  return diagnostics.flatMap(({ code, line, message }) => {
    if (code !== 'route-shadowed') return []
    return [[(line ?? 0) - 3, Number(/line (\d+)/.exec(message)?.[1]) - 3] as const]
  })
}

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return state / 2_147_483_648
  }
}

describe('routes that are never reached', () => {
  it('are those that comparing each with each finds, with the first in front of them, on 25 random files', () => {
    const random = seeded(20_261_128)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const some = (key: string, from: readonly string[]) => {
      const values = [...new Set([pick(from), pick(from)])].map((value) => `"${value}"`)
      return random() < 0.4 ? '' : `${key}: [${values.join(', ')}], `
    }
    const paths = ['/', '/a', '/a/*', '/a/b/*', '/a/b', '/b/c', '*.map', '*', '/*', '*/b', '*b.map', '/a/b.map']
    const hosts = ['a.example', 'A.example', '*.example', '*.b.example', 'a.b.example', 'example']
    const pairs = new Map<string, boolean>()
    const covers = (earlier: string, later: string) => {
      const key = `${earlier}\n${later}`
      const known = pairs.get(key) ?? shadowed([earlier, later]).length > 0
      pairs.set(key, known)
      return known
    }
    for (let round = 0; round < 25; round++) {
      const routes = Array.from({ length: 12 }, () => {
        const handler = random() < 0.15 ? 'files: { root: ., only: existing }' : 'respond: { status: 200, body: x }'
        return `${some('path', paths)}${some('host', hosts)}${some('methods', ['GET', 'POST'])}${handler}`
      })
      const expected = routes.flatMap((later, index) => {
        const first = routes.slice(0, index).findIndex((earlier) => covers(earlier, later))
        return first === -1 ? [] : [[index, first]]
      })
      expect(shadowed(routes)).toEqual(expected)
    }
  })

  it('are found among 3,000 without comparing each with each', () => {
    const routes = Array.from({ length: 3_000 }, (_, n) =>
      n % 2 === 0 ? `path: /p${n}/*, respond: { status: 200 }` : `host: h${n}.example, respond: { status: 200 }`,
    )
    shadowed(routes.slice(0, 400))
    const plain = cpuTime(() => shadowed(routes.map((route) => `when: { env: NEVER_SET }, ${route}`)))
    // Reading that many routes takes most of the time; comparing each with each took several times as long.
    expect(cpuTime(() => shadowed(routes))).toBeLessThan(2.5 * plain)
  })
})

/** Milliseconds of this thread. */
function cpuTime(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1_000
}
