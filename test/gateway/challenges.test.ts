import { once } from 'node:events'
import { readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { removeProof, writeProof } from '../../src/shared/files/challenge-files.ts'
import type { ServedChallenge } from '../../src/shared/served.ts'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { ask } from './clients.ts'
import { canHang, hangingMount } from './hanging-mount.ts'
import {
  ca,
  certificate,
  cleanUp,
  host,
  planOf,
  type RouteOptions,
  type RunningGateway,
  startGateway,
  temporaryFolder,
  whenOver,
} from './support.ts'

afterEach(cleanUp)

const path = '/.well-known/acme-challenge/token'
const proof: ServedChallenge = { type: 'http-01', name: host, token: 'token', proof: 'token.print' }
const redirect: RouteOptions = { kind: 'redirect', to: 'https://{host}{uri}', status: 302, close: true }

describe('an ACME server that asks over HTTP', () => {
  it('is answered before redirects, address lists and unknown hosts; HEAD too', async () => {
    const gateway = await startGateway({
      routes: [{ ...redirect, guards: { addresses: [{ allow: ['10.0.0.0/8'], deny: [] }] } }],
    })
    gateway.gateway.setChallenges([proof])
    for (const name of [host, 'unknown.example', '127.0.0.1']) {
      const answer = await ask(gateway, 'h1', { path, headers: { host: name } })
      expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: 'token.print' })
    }
    expect(await ask(gateway, 'h1', { path, method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
    expect((await ask(gateway, 'h1', { path: '/' })).status).toBe(403)
  })

  it('is left to the routes with another token, another method, and when the challenge is over', async () => {
    const gateway = await startGateway({ routes: [redirect] })
    gateway.gateway.setChallenges([proof])
    const others = [{ path: `${path}2` }, { path, method: 'POST' }, { path: `${path}/` }]
    for (const other of others) expect((await ask(gateway, 'h1', other)).status).toBe(302)
    gateway.gateway.setChallenges([])
    const answer = await ask(gateway, 'h1', { path })
    expect({ status: answer.status, location: answer.headers.location, connection: answer.headers.connection }).toEqual(
      {
        status: 302,
        location: `https://${host}${path}`,
        connection: 'close',
      },
    )
  })
})

describe('an ACME server that asks a replica which did not order', () => {
  const token = 'A'.repeat(43)
  const asked = `/.well-known/acme-challenge/${token}`

  async function replica(): Promise<{ gateway: RunningGateway; folder: string }> {
    const folder = join(await temporaryFolder(), 'acme-challenges')
    const gateway = await startGateway({ routes: [redirect] })
    const plan = planOf({ routes: [redirect] }, gateway.listeners)
    await gateway.gateway.apply({ ...plan, challengeFolder: folder }, [certificate])
    return { gateway, folder }
  }

  it('is answered with what the one that did has left in the storage, for as long as it is there', async () => {
    const { gateway, folder } = await replica()
    expect((await ask(gateway, 'h1', { path: asked })).status).toBe(302)
    await writeProof(folder, token, 'the proof')
    expect(await ask(gateway, 'h1', { path: asked })).toMatchObject({ status: 200, body: 'the proof' })
    expect(await ask(gateway, 'h2', { path: asked })).toMatchObject({ status: 200, body: 'the proof' })
    expect((await ask(gateway, 'h1', { path: asked, method: 'POST' })).status).toBe(302)
    await removeProof(folder, token)
    expect((await ask(gateway, 'h1', { path: asked })).status).toBe(302)
  })

  it('gets no other file of the storage', async () => {
    const { gateway, folder } = await replica()
    await writeProof(folder, token, 'the proof')
    await writeFile(join(folder, '../account.json'), 'secret')
    await writeFile(join(folder, 'account-key.pem'), 'secret')
    for (const name of ['../account.json', '..%2faccount.json', '%2e%2e/account.json', 'account-key.pem', '.', ''])
      expect((await ask(gateway, 'h1', { path: `/.well-known/acme-challenge/${name}` })).body).not.toContain('secret')
  })

  if (!canHang()) console.warn('not tested: a storage that hangs, which takes /dev/fuse')
  else
    it('is left to the routes where the storage hangs, and takes no more than one thread of the disk', async (test) => {
      const { gateway, folder } = await replica()
      await writeProof(folder, token, 'the proof')
      const hanging = hangingMount(folder) ?? test.skip('needs the right to mount')
      const questions = Array.from({ length: 8 }, () => ask(gateway, 'h1', { path: asked }))
      // Four would be all of Node's threads: nothing else that is on a disk could be read.
      expect(await readFile(join(folder, '../elsewhere'), 'utf8').catch(({ code }) => code)).toBe('ENOENT')
      for (const { status } of await Promise.all(questions)) expect(status).toBe(302)
      hanging.end()
      await expect.poll(async () => (await ask(gateway, 'h1', { path: asked })).body).toBe('the proof')
    })

  it('finds nothing that a crash left behind days ago', async () => {
    const { folder } = await replica()
    await writeProof(folder, token, 'the proof')
    const longAgo = new Date(Date.now() - 2 * 86_400_000)
    await utimes(join(folder, token), longAgo, longAgo)
    await writeProof(folder, 'B'.repeat(43), 'another')
    expect(await readdir(folder)).toEqual(['B'.repeat(43)])
  })
})

function dial(gateway: RunningGateway, servername: string, more: ConnectionOptions): TLSSocket {
  const port = gateway.https
  const socket = connect({ host: '127.0.0.1', port, servername, ca, ALPNProtocols: ['acme-tls/1'], ...more })
  whenOver(() => socket.destroy())
  return socket
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('an ACME server that asks over %s', (version) => {
  const only = { minVersion: version, maxVersion: version }

  it('sees the certificate of the challenge, for an address by its reverse name, and is closed', async () => {
    const names = [
      ['192.0.2.7', '7.2.0.192.in-addr.arpa'],
      ['2001:db8::1', `1.${'0.'.repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa`],
      [host, host],
    ] as const
    const gateway = await startGateway({ routes: [] })
    for (const [name, servername] of names) {
      const { certificate, key } = makeCertificate({ names: [servername] })
      gateway.gateway.setChallenges([{ type: 'tls-alpn-01', name, token: 't', proof: 'p', pair: { certificate, key } }])
      const socket = dial(gateway, servername, { ...only, ca: certificate })
      socket.resume()
      const closed = once(socket, 'close')
      await once(socket, 'secureConnect')
      expect(socket.alpnProtocol).toBe('acme-tls/1')
      await closed
    }
  })

  it('is refused while no challenge is under way, with the alert for it', async () => {
    const gateway = await startGateway({ routes: [] })
    const socket = dial(gateway, host, only)
    await expect(once(socket, 'secureConnect')).rejects.toThrow(/no application protocol/i)
    expect(gateway.errors).toEqual([])
  })
})
