/** The containers of config/kubernetes with as little as their manifests give them, by real processes. */
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { h1Client } from '../../e2e/support/clients.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { binary, type Gatehouse, projectFolder, runGatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { part } from '../../parts.ts'
import { publicFolder, testSite } from '../site.ts'
import { configs, environmentOf, type Pod, type Probe, podOf } from './pod.ts'
import { mayUnshare, sealedRoot } from './sealed-root.ts'

// Not where it lies on the machine, which may be below one of the container's own volumes, such as /tmp.
const projectInside = '/project'

/** A path of the project, as the container sees it. */
const inside = (path: string): string => path.replace(projectFolder, projectInside)

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

/** The paths below which a process may write, by its own list of mounts (proc_pid_mountinfo(5)); devices and /proc apart. */
function writableMounts(pid: number): string[] {
  const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n')
  return mounts
    .map((line) => line.split(' '))
    .filter(([, , , , , options = '']) => options.split(',').includes('rw'))
    .map(([, , , , path = '']) => path)
    .filter((path) => !/^\/(dev|proc)\//.test(`${path}/`))
}

function statusOf(pid: number): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/status`, 'utf8').trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split(/:\s+/)))
}

/** What the container's own shell says of a command there: an exec probe. */
async function probe(pid: number, { gatehouse: container }: Pod, command: readonly string[]) {
  const entering = [
    '/usr/sbin/chroot',
    `/proc/${pid}/root`,
    '/bin/sh',
    '-c',
    'cd /etc/gatehouse && exec "$@"',
    'sh',
    ...binary.map(inside),
  ]
  return runGatehouse(command, { command: entering, env: environmentOf(container) })
}

describe.skipIf(!mayUnshare)('the sidecar, sealed as its manifest says', () => {
  const site = testSite({ start: () => Promise.reject(new Error('nothing is shared')) })
  const pod = podOf('sidecar')
  const settings = environmentOf(pod.gatehouse)

  it('serves, reports its health and stops, and writes nowhere but to its two volumes', async () => {
    const [port = 0, metrics = 0] = await freePorts(2)
    const brought = {
      '/usr-local/gatehouse': binary[0] ?? '',
      '/site': site.folder,
      '/etc/gatehouse/gatehouse.yaml': join(projectFolder, configs.sidecar),
    }
    gatehouse = startGatehouse({
      command: [...sealedRoot(publicFolder(join(site.folder, 'sealed-')), pod, brought), '/usr-local/gatehouse'],
      file: '/etc/gatehouse/gatehouse.yaml',
      env: {
        ...settings,
        ...{ PATH: '/usr/bin', HOME: '/data', HOSTNAME: 'appsmith-0', APPSMITH_NAME: 'Acme' },
        // Those of the manifest may be taken on this machine, and its delay is long.
        ...{ PORT: String(port), GATEHOUSE_METRICS: `:${metrics}`, GATEHOUSE_DEREGISTRATION_DELAY: '200ms' },
        GATEHOUSE_BACKEND_URL: site.upstreams.backend,
      },
    })
    await gatehouse.waitFor({ message: 'ready' })
    const client = h1Client(`http://127.0.0.1:${port}`)
    const asked = ['/healthz', '/readyz', '/favicon.ico', '/', '/api/v1/users/me']
    const answers = await Promise.all(asked.map((path) => client.get(path)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(answers[3]?.body).toMatch(/^<title>Acme\|/)
    expect(JSON.parse(answers[4]?.body ?? '')).toMatchObject({ upstream: 'backend' })
    const scraper = h1Client(`http://127.0.0.1:${metrics}`)
    expect((await scraper.get('/metrics')).body).toContain('gatehouse_http_open{kind="answer"} 0')

    const { pid } = gatehouse
    expect(statusOf(pid)).toMatchObject({
      Uid: '10001\t10001\t10001\t10001',
      CapEff: '0000000000000000',
      NoNewPrivs: '1',
    })
    expect(writableMounts(pid).sort()).toEqual(['/run/gatehouse', '/storage'])
    const socket = `/proc/${pid}/root${settings.GATEHOUSE_SOCKET}`
    expect(await runGatehouse(['healthcheck', '--socket', socket])).toMatchObject({ code: 0, stdout: 'healthy\n' })

    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(gatehouse.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
    for (const one of [client, scraper]) one.close()
  })
})

const parts = mayUnshare && part('postgres') && part('redis-server')

describe.skipIf(!parts)('the single container, sealed as its manifest says', () => {
  const site = testSite({ start: () => Promise.reject(new Error('nothing is shared')) })
  const pod = podOf('single')
  const programs = inside(join(projectFolder, 'test/reference/programs'))

  it('starts, with databases of users of their own, reports its health and stops', async () => {
    const folder = publicFolder(join(site.folder, 'sealed-'))
    const ports = await freePorts(9)
    mkdirSync(join(site.folder, 'server/mongo'), { recursive: true })
    const brought = {
      '/opt/appsmith': site.folder,
      '/etc/gatehouse/gatehouse.yaml': join(projectFolder, configs.single),
      '/etc/gatehouse/appsmith': join(projectFolder, 'config/appsmith'),
      [projectInside]: projectFolder,
    }
    const path = [join(programs, 'bin'), `${projectInside}/node_modules/.bin`, dirname(part('postgres') ?? '')]
    gatehouse = startGatehouse({
      command: [...sealedRoot(folder, pod, brought), ...binary.map(inside)],
      file: '/etc/gatehouse/gatehouse.yaml',
      env: {
        ...environmentOf(pod.gatehouse),
        ...{
          PATH: [...path, '/usr/bin', '/usr/sbin'].join(':'),
          HOME: '/',
          HOSTNAME: 'appsmith-0',
          APPSMITH_NAME: 'Acme',
        },
        ...{ GATEHOUSE_RTS: join(programs, 'rts'), GATEHOUSE_MCP: join(programs, 'mcp') },
        // Those of the programs, and of the manifest, may be taken on this machine.
        ...Object.fromEntries(portNames.map((name, index) => [name, String(ports[index])])),
        GATEHOUSE_METRICS: `:${ports[8]}`,
      },
    })
    await gatehouse.waitFor({ message: 'ready' }, { timeout: 45_000 })
    const { pid } = gatehouse
    // CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID: linux/capability.h numbers them 0, 1, 3, 5, 6 and 7.
    expect(statusOf(pid)).toMatchObject({ CapEff: '00000000000000eb', CapBnd: '00000000000000eb', NoNewPrivs: '1' })
    expect(statusOf(gatehouse.pidOf('postgres'))).toMatchObject({ Uid: '70\t70\t70\t70', CapEff: '0000000000000000' })
    expect(writableMounts(pid).sort()).toEqual(['/appsmith-stacks', '/run/gatehouse', '/tmp'])
    for (const words of [gatehouseWords(pod.gatehouse.readinessProbe), gatehouseWords(pod.gatehouse.livenessProbe)])
      expect(await probe(pid, pod, words)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^healthy/) })

    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(gatehouse.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  }, 60_000)
})

/** What an exec probe asks of the program. */
function gatehouseWords(probe: Probe | undefined): readonly string[] {
  const [program, ...words] = probe?.exec?.command ?? []
  expect(program).toBe('gatehouse')
  return words
}

const portNames = [
  'PORT',
  'GATEHOUSE_BACKEND_PORT',
  'GATEHOUSE_MONGODB_PORT',
  'GATEHOUSE_POSTGRES_PORT',
  'GATEHOUSE_REDIS_PORT',
  'GATEHOUSE_TEMPORAL_PORT',
  'APPSMITH_RTS_PORT',
  'APPSMITH_MCP_PORT',
]
