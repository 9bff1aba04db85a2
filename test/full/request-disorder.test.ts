/** As many clients that send and leave in disorder as GATEHOUSE_FUZZ says (4,000), from the seed GATEHOUSE_SEED. */
import { afterEach, expect, it } from 'vitest'
import { sendInDisorder, startDisorder } from '../gateway/listen/http1/fuzz/disorder.ts'
import { cleanUp } from '../gateway/support.ts'

afterEach(cleanUp)

const count = Number(process.env.GATEHOUSE_FUZZ ?? 4_000)
const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Date.now() / 86_400_000)) * 1_000_000
const atOnce = 100

it.each(['h1', 'h1s'] as const)(
  `${count} clients from seed ${seed} over %s`,
  { timeout: 60_000 + 20 * count },
  async (way) => {
    const disorder = await startDisorder()
    for (let done = 0; done < count; done += atOnce) {
      await Promise.all(Array.from({ length: atOnce }, (_, i) => sendInDisorder(disorder, way, seed + done + i)))
      expect(disorder.faults).toEqual([])
    }
    expect(disorder.gateway.errors).toEqual([])
  },
)
