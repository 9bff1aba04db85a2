/** Which addresses a start or a reload may have: by host and port, and one Gatehouse at a time. With real sockets. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { lockPort } from '../../src/app/startup/port-lock.ts'
import { reserveAddresses } from '../../src/app/startup/reserve-addresses.ts'
import { freePorts } from '../e2e/support/free-ports.ts'

const log = { info() {}, warn() {}, error() {} }
const linux = process.platform === 'linux'

/** As a gateway thread listens. */
async function shared(host: string | undefined, port: number): Promise<Server> {
  const server = createServer().listen({ host, port, reusePort: true })
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return server
}

/** Another process of this user, such as another Gatehouse, that listens as gateway threads do. */
async function stranger(host: string, port: number): Promise<number | undefined> {
  const program = `require('node:net').createServer().listen({ host: '${host}', port: ${port}, reusePort: true }, () => console.log('up'))`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return child.pid
}

describe.skipIf(!linux)('addresses', () => {
  it('that somebody else shares with SO_REUSEPORT are refused, and who has them is named', async () => {
    const [port = 0] = await freePorts(1)
    const pid = await stranger('127.0.0.1', port)
    for (const host of ['127.0.0.1', '0.0.0.0', undefined])
      await expect(reserveAddresses([{ name: 'http', host, port }], [], log)).rejects.toMatchObject({
        code: 'address-in-use',
        message: expect.stringMatching(
          new RegExp(`^listener http cannot listen on .*:${port}: .+ \\(pid ${pid}\\) has this port`),
        ),
      })
    const { listeners, release } = await reserveAddresses([{ name: 'http', host: '127.0.0.2', port }], [], log)
    release()
    expect(listeners).toEqual([{ name: 'http', host: '127.0.0.2', port }])
  })

  it('of a reload are compared by host and port: our own are free to it, those of another program are not', async () => {
    const [port = 0] = await freePorts(1)
    const held = [{ name: 'http', host: '127.0.0.1', port }]
    await shared('127.0.0.1', port)
    const wider = [{ name: 'http', host: '0.0.0.0', port }]
    const { release } = await reserveAddresses(wider, held, log)
    release()
    await stranger('127.0.0.2', port)
    await expect(reserveAddresses(wider, held, log)).rejects.toMatchObject({ code: 'address-in-use' })
    const other = [{ name: 'other', host: '127.0.0.2', port }]
    await expect(reserveAddresses(other, held, log)).rejects.toMatchObject({ code: 'address-in-use' })
    expect((await reserveAddresses(held, held, log)).listeners).toEqual(held)
  })

  it('are all reported that are taken, not the first alone', async () => {
    const [one = 0, two = 0, free = 0] = await freePorts(3)
    await stranger('127.0.0.1', one)
    await stranger('127.0.0.1', two)
    const asked = [one, free, two].map((port) => ({ name: `p${port}`, host: '127.0.0.1', port }))
    const refusal = reserveAddresses(asked, [], log)
    await expect(refusal).rejects.toBeInstanceOf(AggregateError)
    const { errors } = await refusal.catch((error) => error)
    expect(errors.map(({ code }: { code: string }) => code)).toEqual(['address-in-use', 'address-in-use'])
    const again = await reserveAddresses([{ name: 'free', host: '127.0.0.1', port: free }], [], log)
    again.release()
  })

  it('are looked at by one at a time: who comes second waits until the first has opened them', async () => {
    const [port = 0] = await freePorts(1)
    const asked = [{ name: 'http', host: '127.0.0.1', port }]
    const first = await reserveAddresses(asked, [], log)
    const order: string[] = []
    const second = reserveAddresses(asked, [], log).then(
      () => order.push('second has it, too'),
      () => order.push('second is refused'),
    )
    // Time enough for a look that does not wait.
    await pause(100)
    await shared('127.0.0.1', port)
    order.push('first listens')
    first.release()
    await second
    // Of one process both sockets are our own: only the order counts here.
    expect(order[0]).toBe('first listens')
  })

  it('on port 0 are each a port of their own', async () => {
    const asked = Array.from({ length: 5 }, (_, index) => ({ name: `p${index}`, host: '127.0.0.1', port: 0 }))
    const { listeners, release } = await reserveAddresses(asked, [], log)
    release()
    expect(new Set(listeners.map(({ port }) => port)).size).toBe(5)
  })
})

describe.skipIf(!linux)('the lock of a port', () => {
  it('ends with its holder, by SIGKILL too', async () => {
    const [port = 0] = await freePorts(1)
    const name = `\\0gatehouse/opens/${process.geteuid?.()}/${port}`
    const program = `require('node:net').createServer().listen('${name}', () => console.log('up'))`
    const holder = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(holder.stdout, 'data')
    const waiting = lockPort(port, log)
    holder.kill('SIGKILL')
    const lock = await waiting
    expect(lock).toBeDefined()
    lock?.release()
  })
})
