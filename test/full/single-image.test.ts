/**
 * config/appsmith.yaml as an image, on top of one that stands in for the product's (product-image/): Redis and PostgreSQL are real.
 * One container is replaced by another on the same volume.
 */
import { X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../e2e/support/free-ports.ts'
import { projectFolder } from '../e2e/support/gatehouse.ts'
import { ask, seen } from '../reference/asking.ts'
import { type Container, openWorkshop, possible, type Workshop } from './container.ts'
import { makeContext } from './product-image/context.ts'

const domain = 'app.example'
/** All that root has in there: to open ports below 1024, to be somebody else for each process, and to end those. */
const rights = ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'KILL', 'NET_BIND_SERVICE', 'SETGID', 'SETUID']

describe.skipIf(!possible)('the image of the single container', () => {
  let workshop: Workshop
  let container: Container
  let variables: Record<string, string> = {}
  let [http, https] = [0, 0]
  let stacks = ''
  let secrets = ''
  let certificate: X509Certificate

  function start(name: string): Container {
    const sealed = ['--read-only', '--cap-drop', 'all', ...rights.flatMap((right) => ['--cap-add', right])]
    const named = ['--uts', 'private', '--hostname', name]
    const options = [...sealed, ...named, '--volume', `${stacks}:/appsmith-stacks`]
    return workshop.run(name, { image: 'single', options, variables })
  }

  beforeAll(async () => {
    workshop = await openWorkshop()
    const context = makeContext(join(workshop.folder, 'context'))
    const product = await workshop.build('product', { context, args: { BASE: 'localhost/debian' } })
    const args = { GATEHOUSE: 'localhost/gatehouse', REFERENCE: 'localhost/product' }
    const image = await workshop.build('single', { file: 'config/appsmith/Dockerfile', target: 'single', args })
    console.log(`on top of the product's image come ${Math.round((image.bytes - product.bytes) / 1e6)} MB`)
    stacks = join(workshop.folder, 'stacks')
    mkdirSync(stacks)
    variables = await variablesOf()
    container = start('first')
    await container.waitFor({ message: 'ready' }, 60_000)
  }, 400_000)

  afterAll(async () => await workshop?.close(), 60_000)

  /** The host's network: other programs have the usual ports. No certificate is asked for but at a port where nobody is. */
  async function variablesOf(): Promise<Record<string, string>> {
    const names = [
      'PORT',
      'GATEHOUSE_HTTPS_PORT',
      'GATEHOUSE_BACKEND_PORT',
      'GATEHOUSE_MONGODB_PORT',
      'GATEHOUSE_REDIS_PORT',
    ]
    names.push('GATEHOUSE_POSTGRES_PORT', 'APPSMITH_RTS_PORT', 'APPSMITH_MCP_PORT')
    const [nobody, ...ports] = await freePorts(names.length + 1)
    ;[http = 0, https = 0] = ports
    return {
      ...Object.fromEntries(names.map((name, at) => [name, String(ports[at])])),
      APPSMITH_CUSTOM_DOMAIN: domain,
      APPSMITH_NAME: 'in a box',
      GATEHOUSE_ACME_DIRECTORY: `https://127.0.0.1:${nobody}/directory`,
      MONGOD_STOP: '1500',
    }
  }

  function presented(): Promise<X509Certificate> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: https, servername: domain, rejectUnauthorized: false }, () => {
        resolve(new X509Certificate(socket.getPeerCertificate().raw))
        socket.destroy()
      })
      socket.once('error', reject)
    })
  }

  it('serves the editor, the backend and the domain from an empty volume', async () => {
    expect(await ask(http, '/')).toMatchObject({ status: 200, body: '<title>in a box v1.2.3</title>' })
    expect(await seen(http, '/api/v1/users')).toMatchObject({ upstream: 'backend' })
    expect(await seen(http, '/rts/x')).toMatchObject({ upstream: 'rts' })
    expect((await ask(http, '/x', { host: domain })).headers.location).toBe(`https://${domain}/x`)
    certificate = await presented()
    expect(certificate.subjectAltName).toBe(`DNS:${domain}`)
    secrets = readFileSync(join(stacks, 'configuration/docker.env'), 'utf8')
    expect(secrets).toMatch(/^APPSMITH_ENCRYPTION_PASSWORD=.{24,}$/m)
  })

  it('runs under tini, with a read-only root, and PostgreSQL is not root', async () => {
    expect(await container.inside('sh', '-c', "tr '\\0' ' ' < /proc/1/cmdline")).toMatch(
      /^\/usr\/bin\/tini -- .*gatehouse run /,
    )
    await expect(container.inside('touch', '/anything')).rejects.toThrow('Read-only file system')
    const { pid } = await container.waitFor(({ process, pid }) => process === 'postgres' && pid !== undefined)
    expect(await container.inside('stat', '--format', '%U', `/proc/${pid}`)).toBe('postgres\n')
  })

  it('has the configuration and the scripts that it calls, and nothing that made the image', async () => {
    const scripts = readdirSync(join(projectFolder, 'config/appsmith')).filter((name) => name !== 'Dockerfile')
    const there = await container.inside('find', '/etc/gatehouse', '-type', 'f', '-printf', '%P\\n')
    const wanted = ['gatehouse.yaml', ...scripts.map((name) => `appsmith/${name}`)]
    expect(there.trim().split('\n').sort()).toEqual(wanted.sort())
  })

  it('is healthy, and reports each process to clients inside the container', async () => {
    const { code, said } = await container.health()
    expect(code).toBe(0)
    expect(said).toMatch(/^healthy/)
    const status = await container.inside('gatehouse', 'status')
    for (const name of ['redis', 'mongodb', 'postgres', 'rts', 'mcp', 'backend'])
      expect(status).toMatch(new RegExp(`^${name} +running +yes `, 'm'))
  })

  it('ends the databases last, and cleanly', async () => {
    await container.stop(60)
    expect(await container.exit).toBe(0)
    const order = container.lines.filter(({ state }) => state === 'stopping').map(({ process }) => process)
    const at = (name: string) => order.indexOf(name)
    for (const name of ['backend', 'rts', 'redis'])
      for (const database of ['mongodb', 'postgres']) expect(at(name), `${name} in ${order}`).toBeLessThan(at(database))
    expect(container.lines.at(-1)).toMatchObject({ message: 'stopped' })
    expect(container.lines.filter(({ message }) => /killed/.test(message))).toEqual([])
  }, 90_000)

  it('keeps its secrets and its certificate when another container takes over the volume', async () => {
    container = start('second')
    await container.waitFor({ message: 'ready' }, 60_000)
    expect(readFileSync(join(stacks, 'configuration/docker.env'), 'utf8')).toBe(secrets)
    expect((await presented()).serialNumber).toBe(certificate.serialNumber)
    expect((await ask(http, '/')).status).toBe(200)
    await container.stop(60)
    expect(await container.exit).toBe(0)
  }, 150_000)
})
