import { expect, test } from 'vitest'
import { memoryLook } from '../../src/app/workers/memory-watch.ts'

test('much memory in buffers is logged once, and once when it is over', () => {
  const said: string[] = []
  const note = (level: string) => (message: string) => void said.push(`${level}: ${message}`)
  const look = memoryLook({ info: note('info'), warn: note('warn'), error: note('error') }, 1e9)
  for (const held of [10e6, 249e6, 260e6, 400e6, 240e6, 260e6, 190e6, 10e6]) look(held)
  expect(said).toEqual([
    'warn: the gateway holds 260 MB in buffers, of 1000 MB available: large bodies or slow clients; lower `limits` or add memory',
    'info: the gateway is down to 190 MB in buffers',
  ])
})
