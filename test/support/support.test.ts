/** What tests take for granted: an address that refuses, an id that is unused. */
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { refusingPort } from './refusing-port.ts'
import { unusedId } from './unused-id.ts'

const outcome = (port: number, host: string) =>
  new Promise<string>((resolve) => {
    const socket = connect(port, host, () => resolve('connected'))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(String(code)))
  })

describe('a refusing port', () => {
  it.each(['127.0.0.1', '127.0.0.2'])('refuses on %s', async (host) => {
    const port = await refusingPort('127.0.0.2')
    expect(await outcome(port, host)).toBe('ECONNREFUSED')
  })

  it('is given to no server that asks for any port', async () => {
    const refusing = new Set(await Promise.all(Array.from({ length: 300 }, () => refusingPort())))
    expect(refusing.size).toBe(300)
    const servers = Array.from({ length: 300 }, () => createServer().listen(0, '127.0.0.1'))
    for (const server of servers) {
      if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
      const address = server.address()
      expect(refusing).not.toContain(typeof address === 'object' && address?.port)
      server.close()
    }
  })
})

describe.skipIf(process.platform !== 'linux')('an unused id', () => {
  it('is in no list, and given once', async () => {
    const ids = await Promise.all(Array.from({ length: 200 }, unusedId))
    expect(new Set(ids).size).toBe(200)
    const listed = `${readFileSync('/etc/passwd', 'utf8')}${readFileSync('/etc/group', 'utf8')}`
    for (const id of ids) expect(listed).not.toContain(`:${id}:`)
  })
})
