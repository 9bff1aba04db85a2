/** Threads and listeners that leave under a load of new connections: none of these is reset. */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { startThreads, type Threads } from '../faults/gateway/thread-support.ts'

let threads: Threads | undefined

afterEach(async () => {
  await threads?.stop()
  threads = undefined
})

interface Load {
  readonly answered: number
  readonly failures: readonly string[]
  /** Resolves when so many more were answered. */
  more(count: number): Promise<void>
  stop(): Promise<void>
}

/** New connections, one request on each, 40 at a time. */
function load(port: number): Load {
  const failures: string[] = []
  let answered = 0
  let on = true
  const once = () =>
    new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      let answer = ''
      socket.setEncoding('latin1').on('data', (text) => {
        answer += text
      })
      socket.on('error', (error) => failures.push(String(error)))
      socket.on('close', () => {
        if (answer.startsWith('HTTP/1.1 200')) answered += 1
        else failures.push(`answered with: ${answer}`)
        resolve()
      })
      socket.write('GET /pid HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    })
  const running = Array.from({ length: 40 }, async () => {
    while (on) await once()
  })
  return {
    failures,
    get answered() {
      return answered
    },
    async more(count) {
      const goal = answered + count
      while (answered < goal) await new Promise((resolve) => setImmediate(resolve))
    },
    async stop() {
      on = false
      await Promise.all(running)
    },
  }
}

async function reloadWith(running: Threads, count: number): Promise<void> {
  const { gatehouse } = running
  const after = gatehouse.lines.length
  const text = readFileSync(gatehouse.file, 'utf8')
  writeFileSync(gatehouse.file, text.replace(/threads: \d/, `threads: ${count}`))
  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ reload: 'done' }, { after })
}

describe('a reload that lowers the number of threads', () => {
  it('resets no new connection, and the threads leave when nothing comes to them any more', async () => {
    threads = await startThreads({ threads: 4 })
    const { gatehouse, port } = threads
    const clients = load(port)
    for (const count of [1, 4, 1]) {
      await clients.more(300)
      await reloadWith(threads, count)
    }
    await clients.more(300)
    await clients.stop()
    expect(clients.failures).toEqual([])
    for (const number of [2, 3, 4]) await gatehouse.waitFor({ message: `gateway thread ${number} has stopped` })
    const after = load(port)
    await after.more(50)
    await after.stop()
    expect(after.failures).toEqual([])
  })
})
