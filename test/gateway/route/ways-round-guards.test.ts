/**
 * Ways round a guarded route that are none of its path: a second header field, a file that is not found by the name as
 * it came.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, test } from 'vitest'
import { exchangeRaw, h2Session } from '../clients.ts'
import { cleanUp, host, proxyTo, startGateway, temporaryFolder } from '../support.ts'
import { mirror } from '../upstreams.ts'

afterEach(cleanUp)

const closed = { addresses: [{ deny: ['::/0', '0.0.0.0/0'] }] }

async function statusOf(port: number, path: string, fields = ''): Promise<string> {
  const answer = await exchangeRaw(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${fields}Connection: close\r\n\r\n`)
  return answer.slice(9, 12)
}

describe('a guarded route that a header chooses', () => {
  const start = async (name: string, pattern: string) => {
    const { port } = await mirror()
    const match = { headers: [{ name, pattern }] }
    return startGateway({ routes: [{ ...proxyTo(port), match, guards: closed }, proxyTo(port)] })
  }

  test.each([
    ['x-admin', '1', 'X-Admin: 1\r\n', '403'],
    ['x-admin', '1', 'X-Admin: 1\r\nX-Admin: 1\r\n', '403'],
    ['x-admin', '1', 'X-Admin: 0\r\nx-admin: 1\r\n', '403'],
    ['x-admin', '1', 'x-admin: 1\r\nX-Admin: 0\r\n', '403'],
    ['x-admin', '1, 2', 'X-Admin: 1\r\nX-Admin: 2\r\n', '403'],
    // Of these Node keeps the first, and all are passed on.
    ['user-agent', 'admin', 'User-Agent: x\r\nuser-agent: admin\r\n', '403'],
    ['x-admin', '1', 'X-Admin: 0\r\n', '200'],
    ['x-admin', '1', '', '200'],
  ])('%s: %s answers %j with %s', async (name, pattern, fields, status) => {
    const gateway = await start(name, pattern)
    expect(await statusOf(gateway.http, '/', fields)).toBe(status)
  })

  it('is not passed by a second one over h2', async () => {
    const gateway = await start('x-admin', '1')
    const stream = h2Session(gateway).request({ ':path': '/', ':authority': host, 'x-admin': ['0', '1'] })
    const status = await new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])))
    expect(status).toBe(403)
  })
})

describe('a guarded route for existing files', () => {
  it('keeps what it guards from the next route, whatever the spelling under which it finds no file', async () => {
    const root = await temporaryFolder()
    await mkdir(join(root, 'secret'))
    await writeFile(join(root, 'secret/key.txt'), 'SECRET')
    const { port } = await mirror()
    const guarded = { kind: 'files', root, existingOnly: true, except: [], match: { paths: ['/secret/*'] } } as const
    const gateway = await startGateway({ routes: [{ ...guarded, guards: closed }, proxyTo(port)] })
    for (const path of [
      '/secret/key.txt',
      '/secret/%2fkey.txt',
      '/secret/key.txt%2f',
      '//secret/%2fkey.txt',
      '/secret//key.txt',
      '/secret/key.txt;a=b',
      '/x/..%2fsecret/key.txt',
      '/SECRET/%2Fkey.txt',
    ])
      expect(`${path} ${await statusOf(gateway.http, path)}`).toBe(`${path} 403`)
    expect(await statusOf(gateway.http, '/secret/other.txt')).toBe('200')
  })
})
