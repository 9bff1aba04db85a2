import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { h2Session, text } from './clients.ts'
import { cleanUp, host, proxyTo, startGateway } from './support.ts'
import { upstream } from './upstreams.ts'

afterEach(cleanUp)

it('a page that cancels 400 of its streams within 2.5 s keeps its h2 connection and the download beside them', async () => {
  const part = Buffer.alloc(10_000, 'x')
  const behind = await upstream((request, response) => {
    if (request.url !== '/download') return
    let left = 30
    const timer = setInterval(() => {
      left -= 1
      if (left > 0) response.write(part)
      else response.end(part)
    }, 80)
    response.on('close', () => clearInterval(timer))
  })
  const gateway = await startGateway({ routes: [proxyTo(behind.port)] })
  const session = h2Session(gateway)
  const download = text(session.request({ ':path': '/download', ':authority': host }))
  for (let i = 0; i < 20; i++) {
    const streams = Array.from({ length: 20 }, () => session.request({ ':path': '/search', ':authority': host }))
    for (const stream of streams) stream.on('error', () => {})
    await pause(50)
    for (const stream of streams) stream.close(8)
    await pause(50)
  }
  expect((await download).length).toBe(30 * part.length)
  expect(session.destroyed).toBe(false)
})
