/**
 * What goes wrong on the network of the reference deployment today, and must not with config/appsmith.yaml: the fourth, eighth,
 * ninth and tenth of its defects. The rest is in defects.test.ts.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { acceptedCertificate } from '../e2e/support/accepted-certificate.ts'
import { exchangeMessage, openWebSocket } from '../e2e/support/clients.ts'
import { binary, runGatehouse } from '../e2e/support/gatehouse.ts'
import { connect, endsWithUs, type Machine, noNetwork, openMachine } from '../e2e/support/network.ts'
import { refusingPort } from '../support/refusing-port.ts'
import { ask } from './asking.ts'
import { sidecar } from './sidecar.ts'
import {
  databasesElsewhere,
  type SingleContainer,
  singleContainerPlan,
  startSingleContainer,
  withoutBackups,
} from './single-container.ts'
import { putFiles, testSite, type Variables } from './site.ts'
import { domain } from './tls.ts'
import type { Seen } from './upstream.ts'

const site = testSite({ start: startSingleContainer })

async function start(env: Variables, command = binary): Promise<SingleContainer> {
  const variables = { ...databasesElsewhere, ...withoutBackups, ...env }
  const running = await startSingleContainer(site, variables, command)
  onTestFinished(() => running.gatehouse.stop().then(() => {}))
  await running.gatehouse.ready()
  return running
}

describe('4: who may say what', () => {
  it('nothing but the front door is open: what controls it is a socket of its owner', async () => {
    const { gatehouse, http, socket } = await start({})
    expect(listening(gatehouse.pid)).toEqual([http])
    expect(statSync(socket).mode & 0o077).toBe(0)
  })

  it('only neighbours are trusted as proxies', async () => {
    const { trustedProxies } = (await singleContainerPlan(site, databasesElsewhere)).gateway ?? {}
    expect(JSON.stringify(trustedProxies)).not.toMatch(/0\.0\.0\.0\/0|::\/0/)
  })

  it.skipIf(noNetwork())(
    'a stranger’s X-Forwarded-* are not believed, and do not change whose limit it is',
    async () => {
      const [gateway, stranger] = [await openMachine(), await openMachine()]
      onTestFinished(() => Promise.all([gateway.close(), stranger.close()]).then(() => {}))
      // Addresses for documentation (RFC 5737): neither loopback nor private.
      connect({ machine: gateway, address: '198.51.100.1/24' }, { machine: stranger, address: '198.51.100.2/24' })
      const { http } = await start({ APPSMITH_RATE_LIMIT: '5' }, gateway.inside(...endsWithUs, ...binary))
      const answers = askFrom(stranger, `http://198.51.100.1:${http}/api/x`, 20)
      const passed = answers.find(({ status }) => status === 200)
      const { headers } = JSON.parse(passed?.body ?? '{}') as Seen
      expect(headers).toMatchObject({
        'x-forwarded-for': '198.51.100.2',
        'x-forwarded-proto': 'http',
        'x-forwarded-host': `198.51.100.1:${http}`,
      })
      expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(10)
    },
  )
})

describe('8: certificates', () => {
  it('that are renewed on disk are served within seconds, and no connection is refused', async () => {
    const issuer = makeCertificate({ commonName: 'The CA of the company', authority: true })
    const pair = () => makeCertificate({ names: [domain], issuer })
    const folder = `letsencrypt/live/${domain}`
    const filesOf = ({ certificate, key }: { readonly certificate: string; readonly key: string }) => ({
      [`${folder}/privkey.pem`]: key,
      [`${folder}/fullchain.pem`]: certificate,
    })
    const stacks = site.volume(filesOf(pair()))
    const { https } = await start({ APPSMITH_CUSTOM_DOMAIN: domain, GATEHOUSE_STACKS: stacks })
    const served = async () => (await acceptedCertificate(https, issuer.certificate, domain)).fingerprint256
    const before = await served()
    putFiles(stacks, filesOf(pair()))
    await expect.poll(served, { timeout: 15_000, interval: 100 }).not.toBe(before)
  })

  it('that cannot be renewed are reported, in the log and by the health check, with the reason', async () => {
    const dead = await refusingPort()
    const { gatehouse, socket } = await start({
      APPSMITH_CUSTOM_DOMAIN: domain,
      GATEHOUSE_ACME_DIRECTORY: `https://127.0.0.1:${dead}/dir`,
    })
    const { level, message } = await gatehouse.waitFor({ message: /^no certificate for app\.example from / })
    expect(`${level}: ${message}`).toMatch(/^(warn|error): .*ECONNREFUSED.*next attempt in /)
    const { stdout, code } = await runGatehouse(['healthcheck', '--socket', socket])
    expect(stdout).toMatch(/^healthy \(warning: .*no new certificate for app\.example: .*ECONNREFUSED/)
    expect(code).toBe(0)
  })
})

describe('9: the rate limit', () => {
  it('counts the client that a trusted balancer has seen, whatever the client says of itself', async () => {
    const { http } = await start({ APPSMITH_RATE_LIMIT: '5' })
    // A balancer appends the address that it sees; all before it is the client's own word.
    const through = (client: string, forged: string) =>
      ask(http, '/info', { headers: { 'x-forwarded-for': `${forged}, ${client}` } })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => through('203.0.113.7', `192.0.2.${index}`)),
    )
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThanOrEqual(10)
    const others = Array.from({ length: 20 }, (_, index) => through(`203.0.113.${index + 10}`, '203.0.113.7'))
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(others.map(() => 200))
  })

  it('is not met by one load of the editor, however many files its bundle has', async () => {
    const { http } = await start({})
    const load = ['/', ...Array.from({ length: 300 }, () => '/static/js/main.1a2b.js'), '/api/v1/users/me']
    const client = { headers: { 'x-forwarded-for': '203.0.113.7' } }
    const answers = await Promise.all(load.map((path) => ask(http, path, client)))
    expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  })
})

describe('10: a reload', () => {
  const front = testSite(sidecar)

  // Of the single container, a change of docker.env is one of its programs, too.
  it('leaves WebSockets open where only the gateway is concerned, as in config/sidecar.yaml', async () => {
    const stacks = site.volume({ 'configuration/docker.env': 'APPSMITH_UNSET=first\n' })
    const { gatehouse, http } = await front.start({ GATEHOUSE_STACKS: stacks })
    const socket = await openWebSocket(`http://127.0.0.1:${http}`, '/rts/socket')
    onTestFinished(() => socket.terminate())
    putFiles(stacks, { 'configuration/docker.env': 'APPSMITH_UNSET=second\n' })
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ reload: 'done' })
    expect((await ask(http, '/')).body).toContain('|second|')
    expect(await exchangeMessage(socket, 'still here')).toBe('rts /rts/socket still here')
  })
})

/** TCP ports that this process itself listens on, as the kernel has them (proc(5): net/tcp). */
function listening(pid: number): number[] {
  const own = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`)))
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1),
  )
  const ports = rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode] = row.trim().split(/\s+/)
    return state === '0A' && own.has(`socket:[${inode}]`) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : []
  })
  return [...new Set(ports)]
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return '' // closed meanwhile
  }
}

/** Asks from another machine, each time with other lies about where it comes from. */
function askFrom(machine: Machine, url: string, count: number): { readonly status: number; readonly body: string }[] {
  const program = `
    const ask = async (index) => {
      const lies = { 'x-forwarded-for': '203.0.113.' + index, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'evil.example' }
      const answer = await fetch('${url}', { headers: lies })
      return { status: answer.status, body: await answer.text() }
    }
    console.log(JSON.stringify(await Promise.all(Array.from({ length: ${count} }, (_, index) => ask(index)))))`
  const [command = '', ...words] = machine.inside(process.execPath, '--input-type=module', '--eval', program)
  return JSON.parse(execFileSync(command, words, { encoding: 'utf8', timeout: 20_000 }))
}
