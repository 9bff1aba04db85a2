import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it, onTestFinished } from 'vitest'
import { h1Client, h2Client, rootCertificate } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

describe('SIGTERM under load', () => {
  it('answers all of 200 requests in flight over h1, TLS h1 and h2, and cuts none', async () => {
    const [port] = await freePorts(1)
    gatehouse = startGatehouse({
      config: `
gateway:
  listeners: { http: { address: "127.0.0.1:0" }, https: { address: "127.0.0.1:0", tls: true } }
  routes: [{ path: /*, to: api }]
certificates: [{ domains: [localhost, 127.0.0.1], use: [{ internal: {} }] }]
processes:
  api:
    command: [node, ${projectFolder}/test/e2e/programs/upstream.js]
    port: ${port}
    ready: { http: /health, every: 20ms }
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    await gatehouse.ready()
    const ca = rootCertificate(`${gatehouse.folder}/storage`)
    const [http, https] = [await gatehouse.url('http'), await gatehouse.url('https')]
    const clients = [h1Client(http), h1Client(https, ca), h2Client(https, ca), h2Client(https, ca)]
    const answers = clients.flatMap((client) => Array.from({ length: 50 }, () => client.get('/slow?ms=1500')))
    await gatehouse.waitFor({ process: 'api', message: 'waiting 200' })

    gatehouse.signal('SIGTERM')
    const outcomes = await Promise.allSettled(answers)
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toEqual([])
    expect(outcomes.map((outcome) => outcome.status === 'fulfilled' && outcome.value.body)).toEqual(
      Array(200).fill('slow'),
    )
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    const logged = gatehouse.lines.filter((line) => line.path === '/slow' && line.status === 200)
    expect(logged).toHaveLength(200)
    for (const client of clients) client.close()
  })

  it('without processes that need time to end, requests may take all of the budget', async () => {
    const upstream = createServer((_, response) => setTimeout(() => response.end('late'), 2_500)).listen(0, '127.0.0.1')
    onTestFinished(() => void upstream.close().closeAllConnections())
    await once(upstream, 'listening')
    gatehouse = startGatehouse({
      config: `
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  routes: [{ path: /*, to: "http://127.0.0.1:${(upstream.address() as AddressInfo).port}" }]
shutdown: { budget: 4s }
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    const client = h1Client(await gatehouse.url('http'))
    const asked = once(upstream, 'request')
    const answer = client.get('/')
    await asked
    gatehouse.signal('SIGTERM')
    expect(await answer).toMatchObject({ status: 200, body: 'late' })
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    client.close()
  })
})
