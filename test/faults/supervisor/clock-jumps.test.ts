import { existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { projectFolder, startGatehouse } from '../../e2e/support/gatehouse.ts'
import type { LogLine } from '../../e2e/support/log-lines.ts'
import { part } from '../../parts.ts'

/**
 * Debian's libfaketime, for programs with threads: it moves the wall clock that a program sees, as often as its file
 * says.
 */
const [library = ''] = part('faketime') ? globSync('/usr/lib/*/faketime/libfaketimeMT.so.1') : []
const day = 86_400_000

describe.skipIf(!existsSync(library))('a clock that jumps by a day, forwards and back', () => {
  it('ends no backoff and no deadline, fails no check, and restarts nothing', async () => {
    const [port = 0] = await freePorts(1)
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-clock-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const clock = join(folder, 'clock')
    const jump = (offset: string) => writeFileSync(clock, `${offset}\n`)
    jump('+0')
    const program = join(projectFolder, 'test/fixtures/programs/slow-ready.js')
    const gatehouse = startGatehouse({
      env: {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
      config: `
processes:
  web:
    command: ["${process.execPath}", "${program}"]
    port: ${port}
    environment: { set: { REFUSALS: "0" } }
    ready: { http: /, every: 50ms, timeout: 5s }
    alive: { http: /, every: 50ms, timeout: 5s, failures: 1 }
  # It never says that it is ready: only the clock could end its wait early.
  never: { command: [sleep, "300"], ready: { fd: 3, deadline: 10m } }
  crashing:
    command: ["false"]
    dependsOn: { web: ready }
    restart: { backoff: { first: 0s, next: 2s, max: 2s }, giveUp: { failures: 3, within: 10s } }
`,
    })
    try {
      await gatehouse.waitFor({ process: 'crashing', message: /restarting in/ })
      const began = performance.now()
      jump('+1d')
      const after = gatehouse.lines.length
      const second = await gatehouse.waitFor({ process: 'crashing', message: /restarting in/ }, { after })
      jump('-1d')
      const fatal = await gatehouse.waitFor({ process: 'crashing', message: /^fatal: it failed 3 times/ })
      const took = performance.now() - began
      // Both pauses, with their jitter of a fifth; and the clock has really jumped, by two days in all.
      expect(took).toBeGreaterThan(2 * 2_000 * 0.8 - 100)
      expect(took).toBeLessThan(15_000)
      expect(timeOf(second) - timeOf(fatal)).toBeGreaterThan(1.9 * day)
      const others = gatehouse.lines.filter((line) => line.process === 'web' || line.process === 'never')
      const said = others.map((line) => `${line.process}: ${line.message}`)
      expect(said).toEqual(expect.arrayContaining(['web: started', 'never: started']))
      expect(said.filter((message) => /stopping|restarting|alive check|not ready/.test(message))).toEqual([])
    } finally {
      await gatehouse.stop()
    }
    expect(gatehouse.survivors()).toEqual([])
  })
})

function timeOf({ time }: LogLine): number {
  return typeof time === 'number' ? time : Date.parse(String(time))
}
