/** The image that others build on, built and run without a Docker engine. */
import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { h1Client, rootCertificate } from '../e2e/support/clients.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { projectFolder } from '../e2e/support/gatehouse.ts'
import { baseBuild, type Container, openWorkshop, possible, type Workshop } from './container.ts'

/** Of the user in the image. */
const user = 10_001
const orphans = 200

describe.skipIf(!possible)('the image', () => {
  let workshop: Workshop
  let container: Container
  let [http, https] = [0, 0]
  let storage = ''

  beforeAll(async () => {
    workshop = await openWorkshop()
    const [debian, image] = [await workshop.inspect('debian'), await workshop.inspect('gatehouse')]
    console.log(`the image has ${megabytes(image.bytes)}, ${megabytes(debian.bytes)} of it are Debian`)
    ;[http = 0, https = 0] = await freePorts(2)
    const configuration = join(workshop.folder, 'configuration')
    storage = join(workshop.folder, 'storage')
    mkdirSync(join(configuration, 'site'), { recursive: true })
    mkdirSync(storage)
    chownSync(storage, user, user)
    writeFileSync(join(configuration, 'site/index.html'), '<h1>from the image</h1>')
    writeFileSync(
      join(configuration, 'gatehouse.yaml'),
      `
gateway:
  listeners:
    http: { address: "127.0.0.1:${http}", health: true }
    https: { address: "127.0.0.1:${https}", tls: true }
  routes: [{ files: { root: ./site, fallback: index.html } }]
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
processes:
  worker:
    command: [sh, -c, "echo up; until [ -e /data/broken ]; do sleep 0.05; done; exit 7"]
    ready: { log: ^up$ }
    restart: { giveUp: { failures: 1 } }
  parent:
    command: [sh, -c, "until [ -e /data/go ]; do sleep 0.05; done; i=0; while [ $i -lt ${orphans} ]; do (sleep 1 &); i=$((i+1)); done; echo left ${orphans}; exec sleep 600"]
`,
    )
    const mounts = ['--volume', `${configuration}:/etc/gatehouse:ro`, '--volume', `${storage}:/data`]
    container = workshop.run('gatehouse', { options: ['--read-only', ...mounts] })
    await container.waitFor({ message: 'ready' })
  }, 300_000)

  afterAll(async () => await workshop?.close(), 60_000)

  it('serves pages, with its storage on a volume and everything else read-only', async () => {
    const plain = h1Client(`http://127.0.0.1:${http}`)
    const secure = h1Client(`https://localhost:${https}`, rootCertificate(join(storage, 'gatehouse')))
    for (const client of [plain, secure]) {
      expect(await client.get('/')).toMatchObject({ status: 200, body: '<h1>from the image</h1>' })
      await client.close()
    }
    await expect(container.inside('touch', '/anything')).rejects.toThrow('Read-only file system')
  })

  it('runs as a user of its own under tini', async () => {
    expect(await container.inside('id', '-u')).toBe(`${user}\n`)
    expect(await container.inside('sh', '-c', "tr '\\0' ' ' < /proc/1/cmdline")).toBe(
      '/usr/bin/tini -- /usr/local/bin/gatehouse run ',
    )
    const { pid } = await container.waitFor({ message: /^starting gatehouse / })
    expect(await container.inside('grep', '^Uid:', `/proc/${pid}/status`)).toContain(`${user}`)
  })

  it('leaves no zombies of orphans', async () => {
    const init = Number(await container.inspect('{{.State.Pid}}'))
    // Gatehouse itself is the only child that tini keeps.
    expect(childrenOf(init)).toHaveLength(1)
    writeFileSync(join(storage, 'go'), '')
    const ends = performance.now() + 15_000
    let most = 0
    while (performance.now() < ends) {
      const children = childrenOf(init).length
      if (children === 1 && container.lines.some(({ message }) => message === `left ${orphans}`)) break
      most = Math.max(most, children)
      await sleep(20)
    }
    expect(most).toBeGreaterThan(10)
    expect(childrenOf(init)).toHaveLength(1)
  })

  it('is healthy, then unhealthy when a process is fatal', async () => {
    expect(await container.health()).toEqual({ code: 0, said: 'healthy' })
    writeFileSync(join(storage, 'broken'), '')
    await container.waitFor({ process: 'worker', state: 'fatal' })
    const { code, said } = await container.health()
    expect(code).toBe(1)
    expect(said).toMatch(/^unhealthy: worker is fatal: .* code 7/)
  })

  it('ends cleanly when it is stopped', async () => {
    const began = performance.now()
    await container.stop(20)
    expect(await container.exit).toBe(0)
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(container.lines.at(-1)).toMatchObject({ message: 'stopped' })
    expect(await container.inspect('{{.State.ExitCode}} {{.State.Status}}')).toBe('0 exited')
  })

  it('has the same layers when it is built again, and says what it is', async () => {
    const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as { version: string }
    const args = {
      ...baseBuild.args,
      VERSION: version,
      REVISION: 'abc',
      CREATED: '2026-01-02T03:04:05Z',
      SOURCE: 'here',
    }
    const again = { ...baseBuild, args, words: ['--no-cache', '--timestamp', '1700000000'] }
    const [one, other] = [await workshop.build('one', again), await workshop.build('other', again)]
    expect(one.layers.length).toBeGreaterThan(1)
    expect(other.layers).toEqual(one.layers)
    expect(one.labels).toMatchObject({
      'org.opencontainers.image.title': 'Gatehouse',
      'org.opencontainers.image.description': expect.stringContaining('front door'),
      'org.opencontainers.image.licenses': 'MIT',
      'org.opencontainers.image.version': version,
      'org.opencontainers.image.revision': 'abc',
      'org.opencontainers.image.created': '2026-01-02T03:04:05Z',
      'org.opencontainers.image.source': 'here',
    })
  }, 180_000)

  it('says what is missing when there is no configuration', async () => {
    const bare = workshop.run('bare')
    expect(await bare.exit).toBe(1)
    expect(bare.lines.map(({ message }) => message).join('\n')).toContain('gatehouse.yaml')
  })
})

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}

/** All with this parent, zombies too, as the machine sees them from outside. */
function childrenOf(parent: number): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        const [, of] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        return Number(of) === parent ? [stat] : []
      } catch {
        return [] // it has ended meanwhile
      }
    })
}
