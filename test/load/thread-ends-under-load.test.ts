/**
 * A gateway thread that ends while uploads come over h2 must not take the process with it
 * (docs/adr/0015-ending-threads.md).
 */
import { once } from 'node:events'
import { connect } from 'node:http2'
import { afterEach, describe, expect, it } from 'vitest'
import { type Uploads, uploadOverH2 } from '../faults/gateway/h2-uploads.ts'
import { startThreads, type Threads } from '../faults/gateway/thread-support.ts'

let threads: Threads | undefined
let uploads: Uploads | undefined

afterEach(async () => {
  uploads?.stop()
  uploads = undefined
  await threads?.stop()
  threads = undefined
})

describe('a gateway thread that ends while uploads come over h2 on 18 streams', () => {
  it.each([
    { what: 'hangs', faults: ['/fault/hang-at-once'], said: /^gateway thread \d hangs/ },
    {
      what: 'fills its heap',
      faults: ['/fault/heap', '/fault/heap-at-once'],
      said: /^gateway thread \d reached its heap limit of 256 MB/,
    },
    {
      what: 'is ended by its own code',
      faults: ['/fault/exit'],
      said: /^gateway thread \d exited with code 9/,
    },
  ])(
    'and $what is replaced, and neither the process nor its child notices',
    async ({ faults, said }) => {
      threads = await startThreads({ threads: 2, tls: true })
      const { gatehouse, child, https } = threads
      uploads = uploadOverH2(https, 4)
      for (const fault of faults) {
        await uploads.more(200)
        const after = gatehouse.lines.length
        uploads.ask(fault)
        await gatehouse.waitFor({ message: said }, { after })
        await gatehouse.waitFor({ message: /^gateway thread \d was replaced/ }, { after })
      }
      await uploads.more(200)
      expect(gatehouse.pidOf('api')).toBe(child)
      expect(await gatehouse.stop()).toEqual({ code: 0, signal: null })
    },
    60_000,
  )

  it('and hangs ends no answer that it had begun as if it were whole', async () => {
    threads = await startThreads({ threads: 1, tls: true })
    const { gatehouse, https } = threads
    const client = connect(`https://127.0.0.1:${https}`, { rejectUnauthorized: false })
    client.on('error', () => {})
    // An event stream is an answer that is never whole.
    const streams = Array.from({ length: 8 }, () => client.request({ ':path': '/events', ':authority': 'localhost' }))
    await Promise.all(streams.map((stream) => once(stream.on('error', () => {}).resume(), 'response')))
    const codes = Promise.all(
      streams.map((stream) => new Promise((resolve) => stream.once('close', () => resolve(stream.rstCode)))),
    )
    uploads = uploadOverH2(https, 1)
    uploads.ask('/fault/hang-at-once')
    await gatehouse.waitFor({ message: /^gateway thread 1 was replaced/ })
    expect((await codes).filter((code) => code === 0)).toEqual([])
    client.destroy()
  }, 60_000)

  it('and leaks until its heap is full is replaced before that, and gives the answers that it had begun', async () => {
    threads = await startThreads({ threads: 1, tls: true })
    const { gatehouse, https, port } = threads
    uploads = uploadOverH2(https, 2)
    await uploads.more(200)
    const slow = fetch(`http://127.0.0.1:${port}/slow?ms=2500`)
    await gatehouse.waitFor({ process: 'api', message: 'waiting 1' })
    uploads.ask('/fault/leak')
    await gatehouse.waitFor({ message: /^gateway thread 1 reached its heap limit of 256 MB; starting a replacement/ })
    await gatehouse.waitFor({ message: /^gateway thread 1 was replaced/ })
    expect(await (await slow).text()).toBe('slow')
    await uploads.more(200)
    expect(await gatehouse.stop()).toEqual({ code: 0, signal: null })
  }, 60_000)
})
