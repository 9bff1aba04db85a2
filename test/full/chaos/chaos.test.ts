/**
 * Gatehouse in the midst of everything that goes wrong: ten minutes, or CHAOS_SECONDS; the order of things comes from
 * CHAOS_SEED. The journal of a run that failed is kept, and its path is in the failure.
 */
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { seeded } from '../../supervisor/simulated-kernel.ts'
import { perform } from './actors.ts'
import { harm, reloadEachSecond } from './faults.ts'
import { inspectorOf } from './inspector.ts'
import { Journal } from './journal.ts'
import { heldBy, settledHold } from './resources.ts'
import { startSite } from './site.ts'

const seed = Number(process.env.CHAOS_SEED ?? 1)
const seconds = Number(process.env.CHAOS_SECONDS ?? 600)
/** How long everyone asks, and the config is reloaded, before anything is harmed: what is loaded and allocated by then is no leak. */
const warmUp = 20
/** Until idle connections to upstreams are closed and V8 has given back what it does not need. */
const quiet = 60

it(
  'chaos: no wrong answer, none that looks whole and is not, no abort, no thread lost but those that are ended, nothing leaks',
  async () => {
    const journal = new Journal(join(tmpdir(), `gatehouse-chaos-${seed}-${process.pid}.log`), seed)
    const site = await startSite()
    const { gatehouse } = site
    let stopping = false
    void gatehouse.exit.then(({ code, signal }) => {
      if (!stopping)
        journal.accuse(`Gatehouse ended by itself with ${signal ?? code}: ${gatehouse.stderr.slice(-2_000)}`)
    })
    let reported = 0
    const telling = setInterval(() => {
      for (const line of gatehouse.lines.slice(reported)) journal.note(JSON.stringify(line))
      reported = gatehouse.lines.length
    }, 100)
    try {
      await gatehouse.ready()
      const inspector = await inspectorOf(gatehouse)
      const from = (base: number) => (index: number) => seeded(seed * 1_000 + base + index)
      const timed = (length: number) => AbortSignal.timeout(length * 1_000)

      journal.note(`warm-up of ${warmUp} s`)
      const warming = { site, journal, signal: timed(warmUp) }
      await Promise.all([perform(warming, from(0)), reloadEachSecond({ ...warming, random: seeded(seed) })])
      await pause(10_000)
      const before = heldBy(gatehouse.pid)
      journal.note(`held: ${JSON.stringify(before)}`)

      journal.note(`chaos for ${seconds} s`)
      const stop = new AbortController()
      const playing = perform({ site, journal, signal: stop.signal }, from(100))
      const ended = await harm({ site, journal, signal: timed(seconds) }, from(200), inspector)
      journal.note('quiet')
      await pause(5_000)
      stop.abort()
      await playing
      const wanted = JSON.stringify(before.descriptors)
      const after = await settledHold(
        gatehouse.pid,
        quiet,
        ({ resident, descriptors }) => resident - before.resident < 40e6 && JSON.stringify(descriptors) === wanted,
      )
      journal.note(`held: ${JSON.stringify(after)}`)

      console.log(journal.summary())
      console.log(
        `RSS ${(before.resident / 1e6).toFixed(0)} MB, then ${(after.resident / 1e6).toFixed(0)} MB; ${ended} threads were ended`,
      )
      for (const { said } of [...site.targets, site.steady]) for (const line of said) journal.accuse(line)
      for (const { message } of gatehouse.lines) if (message.includes('looked whole')) journal.accuse(message)
      expect(journal.verdicts(), `seed ${seed}, journal ${journal.file}`).toEqual([])
      expect(
        gatehouse.lines.filter(({ fault }) => fault !== undefined),
        journal.file,
      ).toHaveLength(ended)
      expect(after.descriptors, journal.file).toEqual(before.descriptors)
      expect(after.resident - before.resident, journal.file).toBeLessThan(40e6)
      expect(journal.wholeOnes()).toBeGreaterThan(seconds * 50)
      rmSync(journal.file)
    } finally {
      stopping = true
      clearInterval(telling)
      await site.stop()
    }
  },
  (seconds + 300) * 1_000,
)
