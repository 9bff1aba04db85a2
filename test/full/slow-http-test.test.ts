/** Debian's slowhttptest with 2,000 connections, in each of its manners, against the whole program. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Attacked, during, startAttacked } from '../faults/gateway/attacked-gateway.ts'
import { cleanUp } from '../gateway/support.ts'
import { part } from '../parts.ts'

const program = part('slowhttptest')
const connections = 2_000
const seconds = 30

let attacked: Attacked
beforeAll(async () => {
  attacked = await startAttacked()
})
afterAll(async () => {
  await attacked.stop()
  await cleanUp()
})

/** Resolves with what it said at its end. */
async function slowHttpTest(words: readonly string[]): Promise<string> {
  const child = spawn(program ?? '', words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = await Promise.all([text(child.stdout), once(child, 'close')])
  return said
}

describe.skipIf(!program)(`slowhttptest with ${connections} connections`, () => {
  const common = ['-c', `${connections}`, '-r', '500', '-l', `${seconds}`, '-v', '1']

  it.each([
    ['heads that never end', ['-H', '-i', '5', '-x', '24']],
    ['bodies that never end', ['-B', '-i', '5', '-s', '8192', '-x', '10']],
    ['answers that are read a few bytes at a time', ['-X', '-w', '1', '-y', '2', '-n', '5', '-z', '32', '-k', '1']],
  ])(
    'of %s: a probe every 100 ms never fails and is never slower than 1 s',
    async (_what, manner) => {
      for (const base of [`http://127.0.0.1:${attacked.ports.http}`, `https://127.0.0.1:${attacked.ports.https}`]) {
        const url = `${base}/${manner[0] === '-X' ? 'page' : 'upload'}`
        let said = ''
        const seen = await during(attacked, async () => {
          said = await slowHttpTest([...common, ...manner, '-u', url])
        })
        expect(said, base).toContain('Exit status')
        expect(seen.failures, base).toEqual([])
        expect(seen.slowest, base).toBeLessThan(1_000)
        expect(seen.probes, base).toBeGreaterThan(100)
      }
    },
    300_000,
  )
})
