import { readFileSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { Connection, onTwoThreads, startThreads, type Threads } from './thread-support.ts'

let threads: Threads | undefined

afterEach(async () => {
  await threads?.stop()
  threads = undefined
})

describe('a successor that cannot begin', () => {
  it('is tried again while the other thread serves, and takes its place when it can', async () => {
    threads = await startThreads({ threads: 2 })
    const { gatehouse, port, child } = threads
    const { one, other } = await onTwoThreads(port)
    threads.arm('dies', '')
    await one.ask('/fault/exit').catch(() => {})
    await gatehouse.waitFor({ message: /^gateway thread \d exited with code 9/ })
    for (let round = 0; round < 2; round += 1) {
      const after = gatehouse.lines.length
      await gatehouse.waitFor({ message: /could not be replaced: .*cannot begin; retrying in \d+ ms/ }, { after })
    }
    expect(await other.ask('/pid')).toMatchObject({ status: 200, body: String(child) })
    threads.disarm('dies')
    await gatehouse.waitFor({ message: /^gateway thread \d was replaced/ })
    one.close()
    other.close()
  })

  it('ends the run with 70 when no thread is left at all, and the children with it', async () => {
    threads = await startThreads({ threads: 1 })
    const { gatehouse, port } = threads
    threads.arm('dies', '')
    await new Connection(port).ask('/fault/exit').catch(() => {})
    await gatehouse.waitFor({ message: /^stopping: no gateway thread can be started: .*cannot begin/ })
    expect(await gatehouse.exit).toEqual({ code: 70, signal: null })
    expect(gatehouse.survivors()).toEqual([])
  })

  it('does not end the run while a thread that threw still serves', async () => {
    threads = await startThreads({ threads: 1 })
    const { gatehouse, port, child } = threads
    threads.arm('dies', '')
    const connection = new Connection(port)
    await connection.ask('/fault/throw')
    let after = 0
    for (let round = 0; round < 6; round += 1) {
      after = gatehouse.lines.length
      await gatehouse.waitFor({ message: /could not be replaced/ }, { after })
    }
    expect(await new Connection(port).ask('/pid')).toMatchObject({ status: 200, body: String(child) })
    threads.disarm('dies')
    await gatehouse.waitFor({ message: /^gateway thread 1 was replaced/ }, { after })
    connection.close()
  }, 30_000)
})

describe('a reload', () => {
  it('that one thread refuses is undone in the other one', async () => {
    threads = await startThreads({ threads: 2 })
    const { gatehouse, port, spare } = threads
    const { one, other, names } = await onTwoThreads(port)
    threads.arm('refuses', names[1] ?? '')
    const before = readFileSync(gatehouse.file, 'utf8')
    const more = `response: { headers: { X-Version: two } }\n  listeners: { more: { address: "127.0.0.1:${spare}" }, http:`
    writeFileSync(gatehouse.file, before.replace('listeners: { http:', more))
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ reload: 'refused', message: /refused by the test/ })
    await expect(new Connection(spare).ask('/pid')).rejects.toThrow('ECONNREFUSED')
    for (const connection of [one, other]) expect((await connection.ask('/pid')).version).toBeUndefined()

    threads.disarm('refuses')
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ reload: 'done' })
    for (const connection of [one, other]) expect((await connection.ask('/pid')).version).toBe('two')
    await onTwoThreads(spare).then((both) => [both.one, both.other].map((connection) => connection.close()))
    one.close()
    other.close()
  })

  it('changes the number of threads; answers that a leaving thread had begun are given', async () => {
    threads = await startThreads({ threads: 2 })
    const { gatehouse, port, child } = threads
    const { one, other } = await onTwoThreads(port)
    const slow = [one.ask('/slow?ms=800'), other.ask('/slow?ms=800')]
    await gatehouse.waitFor({ process: 'api', message: 'waiting 2' })
    const before = readFileSync(gatehouse.file, 'utf8')
    writeFileSync(gatehouse.file, before.replace('threads: 2', 'threads: 1'))
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ reload: 'done' })
    expect((await Promise.all(slow)).map(({ body }) => body)).toEqual(['slow', 'slow'])
    await gatehouse.waitFor({ message: 'gateway thread 2 has stopped' })
    for (let index = 0; index < 20; index += 1) {
      const connection = new Connection(port)
      expect(await connection.ask('/pid')).toMatchObject({ thread: '1', body: String(child) })
      connection.close()
    }
    const after = gatehouse.lines.length
    writeFileSync(gatehouse.file, before)
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ reload: 'done' }, { after })
    for (const connection of Object.values(await onTwoThreads(port))) if ('close' in connection) connection.close()
    one.close()
    other.close()
  })
})
