/** As many sequences of frames of clients as GATEHOUSE_FUZZ says (20,000), from the seed GATEHOUSE_SEED (by the day). */
import { expect, it } from 'vitest'
import { sendSequences } from '../gateway/listen/http2/fuzz/sequences.ts'

const count = Number(process.env.GATEHOUSE_FUZZ ?? 20_000)
const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Date.now() / 86_400_000)) * 1_000_000
const batch = 5_000

it(`${count} sequences of frames from seed ${seed}`, { timeout: 60_000 + 20 * count }, async () => {
  for (let done = 0; done < count; done += batch) {
    expect((await sendSequences(Math.min(batch, count - done), seed + done)).faults).toEqual([])
  }
})
