/** What a reload leaves behind in the gateway threads. */
import { expect, it } from 'vitest'
import { inspectorOf, liveHeap } from './inspector.ts'
import { type Site, startSite } from './site.ts'

const reloads = 200
/** Rounds over which the heap is looked at. The first one loads and compiles. */
const rounds = 5

async function reload({ gatehouse, ...site }: Site, version: number): Promise<void> {
  const after = gatehouse.lines.length
  site.writeConfig(version)
  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ reload: 'done' }, { after })
}

it(`${reloads} reloads of 200 routes leave the live heap of each gateway thread as it was`, async () => {
  const site = await startSite()
  try {
    await site.gatehouse.ready()
    const inspector = await inspectorOf(site.gatehouse)
    const heaps: number[][] = []
    for (let round = 0; round <= rounds; round += 1) {
      for (let i = 0; i < reloads / rounds; i += 1) {
        await reload(site, round * reloads + i)
        await (await fetch(`http://127.0.0.1:${site.http}/r0/download?id=a&size=100`)).arrayBuffer()
      }
      heaps.push(await liveHeap(inspector))
    }
    const said = heaps.map((round) => round.map((bytes) => (bytes / 1e6).toFixed(2)).join(' and ')).join(', ')
    console.log(`live heap of both threads, in MB, after each ${reloads / rounds} reloads: ${said}`)
    const [first = [], ...others] = heaps
    const last = others.at(-1) ?? []
    // A generation of 200 routes is some hundred kB: one that is left by each reload would be a hundred times this.
    for (const [thread, bytes] of last.entries()) expect(bytes - (first[thread] ?? 0), said).toBeLessThan(500_000)
  } finally {
    await site.stop()
  }
}, 300_000)
