/** The containers of config/kubernetes with as little as their manifests give them, by real processes. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { h1Client } from '../../e2e/support/clients.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { binary, type Gatehouse, projectFolder, runGatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { testSite } from '../site.ts'
import { configs, environmentOf, podOf } from './pod.ts'
import { mayUnshare, sealedRoot } from './sealed-root.ts'

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

describe.skipIf(!mayUnshare)('the sidecar, sealed as its manifest says', () => {
  const site = testSite({ start: () => Promise.reject(new Error('nothing is shared')) })
  const { gatehouse: container } = podOf('sidecar')

  it('serves, tells its health and stops, and writes nowhere but to its two volumes', async () => {
    const [port = 0, metrics = 0] = await freePorts(2)
    const brought = {
      '/usr-local/gatehouse': binary[0] ?? '',
      '/site': site.folder,
      '/etc/gatehouse/gatehouse.yaml': join(projectFolder, configs.sidecar),
    }
    gatehouse = startGatehouse({
      command: [...sealedRoot(join(site.folder, 'sealed'), container, brought), '/usr-local/gatehouse'],
      file: '/etc/gatehouse/gatehouse.yaml',
      env: {
        ...environmentOf(container),
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
    const socket = `/proc/${pid}/root${environmentOf(container).GATEHOUSE_SOCKET}`
    expect(await runGatehouse(['healthcheck', '--socket', socket])).toMatchObject({ code: 0, stdout: 'healthy\n' })

    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(gatehouse.lines.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
    for (const one of [client, scraper]) one.close()
  })
})
