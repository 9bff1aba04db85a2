import { X509Certificate } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { newAcmeKey } from '../../src/certificates/acme/acme.ts'
import { obtainByAcme } from '../../src/certificates/acme/acme-order.ts'
import { certificatesIn } from '../../src/certificates/pem.ts'
import { part } from '../parts.ts'
import { sharedSite, site } from './acme-site.ts'

describe.skipIf(!part('pebble'))('an ACME server', () => {
  it('issues for what is proved by http-01, with a key on P-256', async () => {
    const { pebble, shown, context, open, serve } = await sharedSite()
    const names = ['a.example.test', 'b.example.test']
    const pair = await obtainByAcme(await open(), { names, challenges: ['http-01'] }, context)
    const [leaf, intermediate] = certificatesIn(pair.certificate)
    for (const name of names) expect((await serve(pair, name)).serialNumber).toBe(leaf?.serialNumber)
    expect(leaf?.subjectAltName).toBe('DNS:a.example.test, DNS:b.example.test')
    expect(leaf?.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' })
    expect(intermediate?.checkIssued(new X509Certificate((await pebble.roots())[0] ?? ''))).toBe(true)
    expect(shown.map(({ type }) => type)).toEqual(['http-01', 'http-01'])
  })

  it('issues for what is proved by tls-alpn-01', async () => {
    const { shown, context, open, serve } = await sharedSite()
    const pair = await obtainByAcme(await open(), { names: ['a.example.test'], challenges: ['tls-alpn-01'] }, context)
    expect((await serve(pair, 'a.example.test')).subjectAltName).toBe('DNS:a.example.test')
    expect(shown.map(({ type }) => type)).toEqual(['tls-alpn-01'])
  })

  it('issues a wildcard for what is proved in the DNS, whatever else is preferred', async () => {
    const { shown, context, open, serve } = await sharedSite()
    const request = { names: ['*.example.test'], challenges: ['http-01', 'dns-01'] as const }
    const pair = await obtainByAcme(await open(), request, context)
    expect((await serve(pair, 'any.example.test')).subjectAltName).toBe('DNS:*.example.test')
    expect(shown.map(({ type }) => type)).toEqual(['dns-01'])
  })

  it('issues for an address', async () => {
    const { context, open, serve } = await sharedSite()
    const pair = await obtainByAcme(await open(), { names: ['127.0.0.1'], challenges: ['http-01'] }, context)
    expect((await serve(pair, '127.0.0.1')).subjectAltName).toBe('IP Address:127.0.0.1')
  })

  it('takes the other kind of challenge when one fails', async () => {
    const { shown, context, broken, open, serve } = await sharedSite()
    broken.add('http-01')
    const request = { names: ['a.example.test'], challenges: ['http-01', 'tls-alpn-01'] as const }
    const pair = await obtainByAcme(await open(), request, context)
    expect((await serve(pair, 'a.example.test')).subjectAltName).toBe('DNS:a.example.test')
    expect(shown.map(({ type }) => type)).toEqual(['http-01', 'tls-alpn-01'])
  })

  it('reports what the CA found for each kind when all fail', async () => {
    const { context, broken, open } = await sharedSite()
    broken.add('http-01').add('tls-alpn-01')
    const request = { names: ['a.example.test'], challenges: ['http-01', 'tls-alpn-01'] as const }
    await expect(obtainByAcme(await open(), request, context)).rejects.toThrow(
      /^http-01: a\.example\.test: .*404.*; tls-alpn-01: a\.example\.test: ./,
    )
  })

  it('says so when a wildcard cannot be proved by what is allowed', async () => {
    const { context, open } = await sharedSite()
    const request = { names: ['*.example.test'], challenges: ['http-01'] as const }
    await expect(obtainByAcme(await open(), request, context)).rejects.toThrow(
      /^no challenge for \*\.example\.test: .*a wildcard needs dns-01; `challenges` allows http-01$/,
    )
  })

  it('binds an external account, and is refused without one', async () => {
    const hmac = Buffer.alloc(32, 7).toString('base64url')
    const { pebble, context, open } = await site({ externalAccounts: { 'kid-1': hmac } })
    await obtainByAcme(await open(), { names: ['a.example.test'], challenges: ['http-01'] }, context)
    const stranger = await site({ externalAccounts: { 'kid-2': hmac }, bindsAccount: false })
    await expect(stranger.open()).rejects.toMatchObject({ kind: 'refused', problem: 'externalAccountRequired' })
    expect(pebble.lines.join()).not.toContain(hmac)
  })

  it('prefers the chain that is asked for', async () => {
    const { pebble, context, open } = await site({ alternateRoots: 2 })
    const [, , wanted = ''] = await pebble.roots()
    const root = new X509Certificate(wanted)
    const preferredChain = /CN=(.+)/.exec(root.subject)?.[1] ?? ''
    const request = { names: ['a.example.test'], challenges: ['http-01'] as const, preferredChain }
    const pair = await obtainByAcme(await open(), request, context)
    expect(certificatesIn(pair.certificate).at(-1)?.checkIssued(root)).toBe(true)
  })

  it('revokes what was replaced', async () => {
    const { pebble, context, open } = await sharedSite()
    const session = await open()
    const request = { names: ['a.example.test'], challenges: ['http-01'] as const }
    const { certificate } = await obtainByAcme(session, request, context)
    await session.revoke(certificate)
    await expect(session.revoke(certificate)).rejects.toMatchObject({ problem: 'alreadyRevoked' })
    expect(pebble.lines.join('\n')).toMatch(/revoke/i)
  })

  it('issues 20 of 20 while half of the nonces are refused', async () => {
    const { context, open, serve } = await site({ badNonces: 50 })
    const session = await open()
    for (let i = 0; i < 20; i += 1) {
      const pair = await obtainByAcme(session, { names: [`n${i}.example.test`], challenges: ['http-01'] }, context)
      expect((await serve(pair, `n${i}.example.test`)).subjectAltName).toBe(`DNS:n${i}.example.test`)
      await context.pending.clear()
    }
  }, 60_000)

  it('takes up an order that was paid for before a crash, with its key', async () => {
    const { context, open } = await sharedSite()
    const session = await open()
    const request = { names: ['a.example.test'], challenges: ['http-01'] as const }
    const first = await obtainByAcme(session, request, context)
    const again = await obtainByAcme(session, request, context) // nothing was saved of the first: its order is still pending here
    expect(again).toEqual(first)
  })

  it('does not take up an order for other names than are wanted now', async () => {
    const { context, open } = await sharedSite()
    const session = await open()
    await obtainByAcme(session, { names: ['a.example.test'], challenges: ['http-01'] }, context)
    const names = ['a.example.test', 'b.example.test']
    const pair = await obtainByAcme(session, { names, challenges: ['http-01'] }, context)
    expect(certificatesIn(pair.certificate)[0]?.subjectAltName).toBe('DNS:a.example.test, DNS:b.example.test')
  })

  it('orders anew when the CA does not know the order any more', async () => {
    const { pebble, context, open } = await sharedSite()
    const request = { names: ['a.example.test'], challenges: ['http-01'] as const }
    const first = await obtainByAcme(await open(), request, context)
    await pebble.restart()
    const again = await obtainByAcme(await open({ key: await newAcmeKey() }), request, context)
    expect(again.key).not.toBe(first.key)
  })

  it('says that an account is unknown', async () => {
    const { pebble, open } = await sharedSite()
    const key = await newAcmeKey()
    const { account } = await open({ key })
    await open({ key, url: account })
    await pebble.restart()
    await expect(open({ key, url: account })).rejects.toMatchObject({ problem: 'accountDoesNotExist' })
  })

  it('names the server that it cannot reach', async () => {
    const { pebble, open } = await site()
    await pebble.stop()
    await expect(open()).rejects.toMatchObject({
      kind: 'unreachable',
      message: /^the ACME server 127.0.0.1:\d+ cannot be reached: .*ECONNREFUSED/,
    })
  })
})
