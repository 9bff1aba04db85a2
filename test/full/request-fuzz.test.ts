/** As many mutated requests as GATEHOUSE_FUZZ says (200,000), from the seed GATEHOUSE_SEED (by the day), against llhttp. */
import { expect, it } from 'vitest'
import { compare } from '../gateway/listen/http1/fuzz/differential.ts'

const count = Number(process.env.GATEHOUSE_FUZZ ?? 200_000)
const seed = Number(process.env.GATEHOUSE_SEED ?? Math.floor(Date.now() / 86_400_000))
const batch = 20_000

it(`${count} requests from seed ${seed} are read as llhttp reads them, but for what ADR 33 argues for`, {
  timeout: 60_000 + count,
}, async () => {
  for (let done = 0; done < count; done += batch) {
    expect((await compare(Math.min(batch, count - done), seed + done)).differences, `from seed ${seed + done}`).toEqual(
      [],
    )
  }
})
