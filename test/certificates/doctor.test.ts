/** What `gatehouse certs doctor` looks at, with a real DNS server and a real ACME server. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { makeLeaf, makeRoot } from '../../src/certificates/ca/internal.ts'
import { checkAccount, checkClock, checkDirectory } from '../../src/certificates/doctor/acme-server.ts'
import { checkAddresses } from '../../src/certificates/doctor/addresses.ts'
import { checkCaa } from '../../src/certificates/doctor/caa.ts'
import type { CheckContext } from '../../src/certificates/doctor/check.ts'
import { createDirectory, type DirectoryFacts } from '../../src/certificates/doctor/directory.ts'
import { runChecks } from '../../src/certificates/doctor/doctor.ts'
import { createNames } from '../../src/certificates/doctor/names.ts'
import { checkHttpPort, checkHttpsPort } from '../../src/certificates/doctor/reach.ts'
import { checkRunning } from '../../src/certificates/doctor/running.ts'
import { checkStorage } from '../../src/certificates/doctor/storage.ts'
import type { AcmePlan } from '../../src/plan/model/certificates.ts'
import { temporaryFolder } from '../control/fixture.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { part } from '../parts.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { type Pebble, startPebble } from './pebble.ts'

const tomorrow = Date.now() + 86_400_000

const letsencrypt: AcmePlan = {
  kind: 'acme',
  directory: 'https://acme-v02.api.letsencrypt.org/directory',
  challenges: ['http-01', 'tls-alpn-01'],
  key: 'ecdsa-p256',
}

function factsOf(facts: Partial<DirectoryFacts> = {}): () => Promise<DirectoryFacts> {
  return async () => ({ host: 'acme-v02.api.letsencrypt.org', requiresAccount: false, caaNames: [], ...facts })
}

function contextOf(more: Partial<CheckContext> = {}): CheckContext {
  return {
    domains: ['app.example.test'],
    storage: '/nowhere',
    names: createNames('127.0.0.1:9'),
    ports: { http: 80, https: 443 },
    acme: { plan: letsencrypt, directory: factsOf() },
    ...more,
  }
}

describe.skipIf(!part('pebble'))('with a DNS server and an ACME server', () => {
  let pebble: Pebble
  let names: CheckContext['names']
  beforeAll(async () => {
    const [httpPort = 0, tlsPort = 0] = await freePorts(2)
    pebble = await startPebble({
      httpPort,
      tlsPort,
      externalAccounts: { customer: 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0' },
    })
    names = createNames(pebble.dns.address)
  })
  afterAll(() => pebble?.stop())

  async function tell(path: string, body: unknown): Promise<void> {
    const { ok } = await fetch(`${pebble.dns.management}${path}`, { method: 'POST', body: JSON.stringify(body) })
    expect(ok).toBe(true)
  }

  it('a name with an address of this machine leads here; another may be that of a balancer', async () => {
    expect(await checkAddresses(contextOf({ names }))).toEqual([
      { verdict: 'good', words: 'app.example.test points here: 127.0.0.1' },
    ])
    await tell('/add-a', { host: 'far.example.test.', addresses: ['192.0.2.7'] })
    expect(await checkAddresses(contextOf({ names, domains: ['far.example.test'] }))).toMatchObject([
      { verdict: 'unknown', words: 'far.example.test points to 192.0.2.7, which this machine does not have' },
    ])
    await tell('/add-aaaa', { host: 'half.example.test.', addresses: ['2001:db8::7'] })
    expect(await checkAddresses(contextOf({ names, domains: ['half.example.test'] }))).toMatchObject([
      { verdict: 'unknown', words: expect.stringContaining('; this machine does not have 2001:db8::7') },
    ])
  })

  it('a name without an address is wrong', async () => {
    await tell('/set-default-ipv4', { ip: '' })
    onTestFinished(() => tell('/set-default-ipv4', { ip: '127.0.0.1' }))
    expect(await checkAddresses(contextOf({ names }))).toMatchObject([
      { verdict: 'bad', words: 'app.example.test has no address in the DNS' },
    ])
  })

  it('CAA records of the closest parent decide, and those for wildcards only over these', async () => {
    expect(await checkCaa(contextOf({ names }))).toMatchObject([{ verdict: 'good' }])
    await tell('/add-caa', {
      host: 'ours.test.',
      policies: [
        { tag: 'issue', value: 'letsencrypt.org; validationmethods=http-01' },
        { tag: 'issuewild', value: ';' },
      ],
    })
    const found = await checkCaa(contextOf({ names, domains: ['a.b.ours.test', '*.ours.test'] }))
    expect(found).toEqual([
      { verdict: 'good', words: 'the CAA records of ours.test allow letsencrypt.org' },
      {
        verdict: 'bad',
        words: 'the CAA records of ours.test allow no CA, not acme-v02.api.letsencrypt.org',
        hint: 'add `ours.test. CAA 0 issuewild "letsencrypt.org"` to the DNS',
      },
    ])
    await tell('/add-caa', { host: 'b.ours.test.', policies: [{ tag: 'issue', value: 'pki.goog' }] })
    expect(await checkCaa(contextOf({ names, domains: ['a.b.ours.test'] }))).toMatchObject([
      { verdict: 'bad', words: expect.stringContaining('of b.ours.test allow pki.goog, not') },
    ])
    // The name that the directory gives itself counts before the one that we know.
    const acme = { plan: letsencrypt, directory: factsOf({ caaNames: ['pki.goog'] }) }
    expect(await checkCaa(contextOf({ names, acme, domains: ['a.b.ours.test'] }))).toMatchObject([{ verdict: 'good' }])
  })

  it('the directory is checked for trust, its clock, and required accounts', async () => {
    const plan = { ...letsencrypt, directory: pebble.directory, trust: pebble.trust }
    const trusted = contextOf({ acme: { plan, directory: createDirectory(plan) } })
    expect(await checkDirectory(trusted)).toMatchObject([{ verdict: 'good' }])
    expect(await checkClock(trusted)).toMatchObject([{ verdict: 'good' }])
    expect(await checkAccount(trusted)).toMatchObject([
      { verdict: 'bad', words: expect.stringContaining('`externalAccount` is not set') },
    ])
    const { trust: _, ...distrusting } = plan
    const alone = contextOf({ acme: { plan: distrusting, directory: createDirectory(distrusting) } })
    expect(await checkDirectory(alone)).toMatchObject([{ verdict: 'bad', hint: expect.stringContaining('`trust:`') }])
    expect(await checkClock(alone)).toMatchObject([{ verdict: 'unknown' }])
  })

  it('a port that the CA comes in by must be open; a closed one of another kind is only reported', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const open = typeof address === 'object' && address ? address.port : 0
    const shut = await refusingPort()
    expect(await checkHttpPort(contextOf({ names, ports: { http: open, https: shut } }))).toMatchObject([
      { verdict: 'good' },
    ])
    expect(await checkHttpPort(contextOf({ names, ports: { http: shut, https: shut } }))).toMatchObject([
      { verdict: 'bad', words: expect.stringContaining('ECONNREFUSED'), hint: expect.stringContaining('http-01') },
    ])
    const byDns = { plan: { ...letsencrypt, challenges: ['dns-01'] as const }, directory: factsOf() }
    expect(await checkHttpPort(contextOf({ names, acme: byDns, ports: { http: shut, https: shut } }))).toMatchObject([
      { verdict: 'unknown' },
    ])
  })
})

it('somebody else who answers on the port of a name is found by the certificate', async () => {
  const root = await makeRoot()
  const door = async () => {
    const { certificate, key } = await makeLeaf(root, ['127.0.0.1'])
    const server = createTlsServer({ cert: certificate, key }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const [ours, theirs] = await Promise.all([door(), door()])
  const running = { listeners: [`127.0.0.1:${ours}`], fallback: false, notAfter: tomorrow, failures: 0 }
  // An address needs no DNS.
  const at = (https: number) => ({ domains: ['127.0.0.1'], ports: { http: 80, https } })
  expect(await checkHttpsPort(contextOf({ ...at(ours), running }))).toMatchObject([
    { verdict: 'good', words: `port ${ours} of 127.0.0.1 (127.0.0.1) is this gatehouse: it shows our certificate` },
  ])
  expect(await checkHttpsPort(contextOf({ ...at(theirs), running }))).toMatchObject([
    { verdict: 'bad', words: expect.stringContaining('shows a different certificate') },
  ])
  expect(await checkHttpsPort(contextOf(at(theirs)))).toMatchObject([
    { verdict: 'unknown', words: expect.stringContaining('no gatehouse runs here') },
  ])
})

it('a clock that is hours off is wrong, whichever way', async () => {
  const off = (ahead: number) => checkClock(contextOf({ acme: { plan: letsencrypt, directory: factsOf({ ahead }) } }))
  expect(await off(7_200_000)).toMatchObject([
    { verdict: 'bad', words: expect.stringContaining('is 2h behind that of') },
  ])
  expect(await off(-7_200_000)).toMatchObject([{ verdict: 'bad', words: expect.stringContaining('2h ahead of that') }])
})

it('a DNS server that does not answer is no fault of the name', async () => {
  expect(await checkAddresses(contextOf())).toMatchObject([{ verdict: 'unknown' }])
})

it('a key that others can read is a problem, and the hint names it', async () => {
  const storage = await temporaryFolder()
  await mkdir(join(storage, 'acme', 'ca'), { recursive: true })
  const account = join(storage, 'acme', 'ca', 'account.json')
  await writeFile(account, '{}', { mode: 0o600 })
  const safe = { verdict: 'good', words: 'only their owner can read the keys in the storage' }
  expect(await checkStorage(contextOf({ storage }))).toContainEqual(safe)
  await chmod(account, 0o644)
  expect(await checkStorage(contextOf({ storage }))).toContainEqual({
    verdict: 'bad',
    words: `other users can read ${account}`,
    hint: `chmod 600 ${account}`,
  })
})

it('a storage that will be made is judged by where, and /dev/shm is lost with the container', async () => {
  const findings = await checkStorage(contextOf({ storage: '/dev/shm/gatehouse-not-there/state' }))
  expect(findings[1]).toMatchObject({
    verdict: 'unknown',
    words: expect.stringContaining('is on tmpfs, which is lost'),
  })
  expect(await checkStorage(contextOf({ storage: '/etc/passwd/state' }))).toContainEqual(
    expect.objectContaining({ verdict: 'bad', words: expect.stringContaining('is not writable') }),
  )
})

it('a certificate of the running gatehouse that is not valid yet, or has expired, is wrong', async () => {
  const running = { listeners: [], fallback: false, notAfter: tomorrow, failures: 0 }
  expect(await checkRunning(contextOf({ running }))).toMatchObject([{ verdict: 'good' }])
  expect(await checkRunning(contextOf({ running: { ...running, notBefore: tomorrow } }))).toMatchObject([
    {
      verdict: 'bad',
      words: `the running gatehouse serves a certificate that is not valid before ${new Date(tomorrow).toISOString()}`,
      hint: expect.stringContaining('gatehouse certs renew'),
    },
  ])
  expect(await checkRunning(contextOf({ running: { ...running, notAfter: Date.now() - 1 } }))).toMatchObject([
    { verdict: 'bad', words: expect.stringMatching(/expired on \S+$/) },
  ])
})

it('the last error of the running gatehouse is reported, with how to try again', async () => {
  const running = { listeners: [], fallback: true, notAfter: tomorrow, failures: 2, lastError: 'the CA said no' }
  expect(await checkRunning(contextOf({ running }))).toEqual([
    {
      verdict: 'bad',
      words: 'the running gatehouse failed 2 times: the CA said no',
      hint: 'fix what the CA reports, then run `gatehouse certs renew app.example.test`',
    },
  ])
})

it('accepts a certificate of the internal CA for localhost without checks of DNS and ports', async () => {
  const storage = await temporaryFolder()
  const findings = await runChecks({
    domains: ['localhost', 'app.internal'],
    storage,
    isInternal: true,
    names: createNames('127.0.0.1:9'),
    ports: { http: 9, https: 9 },
    running: { listeners: [], fallback: false, notAfter: tomorrow, failures: 0 },
  })
  expect(findings.filter(({ verdict }) => verdict === 'bad')).toEqual([])
  expect(findings.map(({ words }) => words).join()).toContain('the internal CA issues it for localhost, app.internal')
  expect(findings.map(({ words }) => words).join()).not.toMatch(/DNS does not answer|port 9/)
})
