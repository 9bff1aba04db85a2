import { it } from 'vitest'
import { expectNoLeak } from '../faults/supervisor/kills.ts'

it('1,000 kills, each after it was ready again: descriptors, memory and zombies as before, each restart seen', async () => {
  const { before, after, each } = await expectNoLeak(1_000)
  const grown = ((after.resident - before.resident) / 1e6).toFixed(1)
  console.log(`${each.toFixed(1)} ms for each kill; RSS ${grown} MB more, ${after.descriptors} descriptors as before`)
}, 300_000)
