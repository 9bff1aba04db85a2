/** What lies in the volume's ca-certs is trusted by the Java backend, by the store that config/appsmith.yaml makes for it. */
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MadeCertificate, makeCertificate } from '../certificates/make-certificate.ts'
import { type Gatehouse, projectFolder, source, startGatehouse } from '../e2e/support/gatehouse.ts'
import { ask } from '../reference/asking.ts'
import { putFiles } from '../reference/site.ts'
import { type Reference, reference, referenceParts } from './parts/reference.ts'

const parts = await referenceParts()

describe.skipIf(!parts)('the Spring backend, fetching over HTTPS', () => {
  const company = makeCertificate({ commonName: 'Company CA', authority: true })
  const stranger = makeCertificate({ commonName: 'Stranger CA', authority: true })
  const servers: Server[] = []
  let deployment: Reference
  let gatehouse: Gatehouse

  async function listen(issuer: MadeCertificate): Promise<string> {
    const { certificate, key } = makeCertificate({ names: ['localhost'], issuer })
    const server = createServer(
      { cert: certificate, key },
      (_, response) => void response.end('a secret of the company'),
    )
    servers.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return `https://localhost:${(server.address() as AddressInfo).port}/`
  }
  const fetched = async (url: string) =>
    JSON.parse((await ask(deployment.http, `/api/v1/fetch?url=${encodeURIComponent(url)}`)).body)

  beforeAll(async () => {
    if (!parts) return
    deployment = await reference(parts)
    putFiles(join(deployment.volume, 'ca-certs'), { 'company.crt': company.certificate })
    // The backend needs MongoDB, Redis and the Node backend only.
    const env = { ...deployment.environment, APPSMITH_ENABLE_EMBEDDED_DB: '0' }
    gatehouse = startGatehouse({ command: source, file: join(projectFolder, 'config/appsmith.yaml'), env })
    await gatehouse.waitFor({ process: 'backend', state: 'running', ready: true }, { timeout: 90_000 })
  }, 120_000)

  afterAll(async () => {
    for (const server of servers) server.close().closeAllConnections()
    await gatehouse?.stop().finally(() => deployment.remove())
  }, 60_000)

  it('trusts a CA of the volume, and no other', async () => {
    expect(await fetched(await listen(company))).toEqual({ fetched: 'a secret of the company' })
    expect(await fetched(await listen(stranger))).toEqual({ refused: expect.stringContaining('certification path') })
  })

  it('trusts one that was added, after a reload and its own restart', async () => {
    const url = await listen(stranger)
    writeFileSync(join(deployment.volume, 'ca-certs/stranger.crt'), stranger.certificate)
    const after = gatehouse.lines.length
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ message: /^wrote the trust store/ }, { after })
    process.kill(gatehouse.pidOf('backend'), 'SIGKILL')
    const restarted = gatehouse.lines.length
    await gatehouse.waitFor(
      { process: 'backend', state: 'running', ready: true },
      { after: restarted, timeout: 90_000 },
    )
    expect(await fetched(url)).toEqual({ fetched: 'a secret of the company' })
  }, 120_000)

  it('starts nothing of what needs PostgreSQL when that is not embedded', () => {
    const started = new Set(gatehouse.lines.map((line) => line.process))
    expect(['redis', 'postgres', 'temporal', 'keycloak'].filter((name) => started.has(name))).toEqual(['redis'])
  })
})
