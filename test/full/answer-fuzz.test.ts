/** As many mutated answers as GATEHOUSE_FUZZ says (a million), from the seed GATEHOUSE_SEED (by the day), against llhttp. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { compare } from '../gateway/proxy/client/differential.ts'

const count = Number(process.env.GATEHOUSE_FUZZ ?? 1_000_000)
const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Date.now() / 86_400_000))
const batch = 20_000

it(`${count} answers from seed ${seed} are read as llhttp reads them, but for what ADR 14 argues for`, {
  timeout: 60_000 + count,
}, async () => {
  for (let done = 0; done < count; done += batch) {
    expect(compare(batch, seed + done).differences, `from seed ${seed + done}`).toEqual([])
    await turn()
  }
})
