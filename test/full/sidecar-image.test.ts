/** config/sidecar.yaml as an image, run as Kubernetes would: nothing may be written, nothing may be done that needs a privilege. */
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../e2e/support/free-ports.ts'
import { ask } from '../reference/asking.ts'
import { type Container, openWorkshop, possible, type Workshop } from './container.ts'
import { makeSite } from './product-image/context.ts'

describe.skipIf(!possible)('the image of the sidecar', () => {
  let workshop: Workshop
  let container: Container
  let port = 0
  /** Answers `/api/v1/health` at once, anything else when it is told to. */
  let answer = () => {}
  const backend = createServer((request, response) => {
    if (request.url === '/api/v1/health') response.end('well')
    else answer = () => void response.end('answered at last')
    backend.emit('asked')
  })

  beforeAll(async () => {
    workshop = await openWorkshop()
    const args = { GATEHOUSE: 'localhost/gatehouse' }
    await workshop.build('sidecar', { file: 'config/appsmith/Dockerfile', target: 'sidecar', args })
    const site = join(workshop.folder, 'site')
    mkdirSync(site)
    makeSite(site)
    await once(backend.listen(0, '127.0.0.1'), 'listening')
    ;[port = 0] = await freePorts(1)
    const variables = {
      PORT: String(port),
      GATEHOUSE_BACKEND_URL: `http://127.0.0.1:${(backend.address() as AddressInfo).port}`,
      GATEHOUSE_DEREGISTRATION_DELAY: '2s',
      APPSMITH_NAME: 'in a box',
    }
    const sealed = ['--read-only', '--cap-drop', 'all', '--security-opt', 'no-new-privileges']
    const options = [...sealed, '--volume', `${site}:/opt/appsmith:ro`]
    container = workshop.run('sidecar', { image: 'sidecar', options, variables })
    await container.waitFor({ message: 'ready' })
  }, 300_000)

  afterAll(async () => {
    backend.close().closeAllConnections()
    await workshop?.close()
  }, 60_000)

  it('serves the editor and the backend', async () => {
    expect(await ask(port, '/')).toMatchObject({ status: 200, body: '<title>in a box v1.2.3</title>' })
    expect(await ask(port, '/static/js/main.1a2b.js')).toMatchObject({ status: 200, body: 'console.log(1)\n' })
    expect(await ask(port, '/api/v1/health')).toMatchObject({ status: 200, body: 'well' })
  })

  it('runs under tini, as an unprivileged user without capabilities', async () => {
    expect(await container.inside('sh', '-c', "tr '\\0' ' ' < /proc/1/cmdline")).toMatch(
      /^\/usr\/bin\/tini -- .*gatehouse run /,
    )
    const { pid } = await container.waitFor({ message: /^starting gatehouse / })
    const status = await container.inside('cat', `/proc/${pid}/status`)
    expect(status).toMatch(/^Uid:\t10001\t10001\t10001\t10001$/m)
    expect(status).toMatch(/^CapPrm:\t0+$/m)
    expect(status).toMatch(/^CapBnd:\t0+$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
  })

  it('writes to its own volume and to tmpfs, and nowhere else', async () => {
    for (const path of ['/anything', '/etc/gatehouse/anything', '/opt/appsmith/anything', '/var/anything'])
      await expect(container.inside('touch', path), path).rejects.toThrow('Read-only file system')
    await container.inside('touch', '/data/gatehouse/here', '/run/here')
  })

  it('is healthy, and says so when it is asked by podman and by a load balancer', async () => {
    expect(await container.health()).toEqual({ code: 0, said: 'healthy' })
    expect((await ask(port, '/readyz')).status).toBe(200)
  })

  it('answers what it was asked before it ends', async () => {
    const asked = once(backend, 'asked')
    const last = ask(port, '/api/v1/slow')
    await asked
    const stopped = container.stop(20)
    await container.waitFor({ message: /^stopping/ })
    // Within the time that the load balancer is given; each question is a moment in itself.
    while ((await ask(port, '/readyz')).status !== 503);
    expect((await ask(port, '/')).status).toBe(200)
    answer()
    expect(await last).toMatchObject({ status: 200, body: 'answered at last' })
    await stopped
    expect(await container.exit).toBe(0)
    expect(container.lines.at(-1)).toMatchObject({ message: 'stopped' })
  })
})
