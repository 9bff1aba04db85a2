/** A real Model Context Protocol session: requests answered by event streams, over a proxy with short time-outs. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, projectFolder, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse

beforeAll(async () => {
  const [port] = await freePorts(1)
  gatehouse = startGatehouse({
    config: `
gateway:
  threads: 2
  limits: { stallTimeout: 500ms, idleTimeout: 1s, headerTimeout: 1s }
  listeners: { http: { address: "127.0.0.1:0" } }
  routes: [{ path: /mcp, to: mcp, timeouts: { connect: 500ms, response: 1s } }]
processes:
  mcp:
    command: [node, ${projectFolder}/node_modules/.bin/mcp-server-everything, streamableHttp]
    port: ${port}
    ready: { tcp: ${port}, every: 50ms }
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  await gatehouse.ready()
})

afterAll(async () => {
  await gatehouse.stop()
})

it('streams the progress of a call that takes longer than every time-out, and ends the session cleanly', async () => {
  const client = new Client({ name: 'gatehouse-test', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(`${await gatehouse.url('http')}/mcp`))
  await client.connect(transport)
  expect(transport.sessionId).toBeTruthy()

  const { tools } = await client.listTools()
  const long = tools.find(({ name }) => /long-?running-?operation/i.test(name))
  expect(long).toBeDefined()
  const seen: { progress: number; at: number }[] = []
  const result = await client.callTool({ name: long?.name ?? '', arguments: { duration: 6, steps: 3 } }, undefined, {
    onprogress: ({ progress }) => void seen.push({ progress, at: performance.now() }),
  })
  expect(JSON.stringify(result.content)).toMatch(/completed/i)
  expect(seen.map(({ progress }) => progress)).toEqual([1, 2, 3])
  // Each came when it was sent: had they been held back, they would have come together at the end.
  const span = (seen.at(-1)?.at ?? 0) - (seen[0]?.at ?? 0)
  expect(span).toBeGreaterThan(2_000)

  await transport.terminateSession()
  await client.close()
  const record = await gatehouse.waitFor({ message: 'request', method: 'DELETE', path: '/mcp' })
  expect(record.status).toBe(200)
  expect(gatehouse.lines.filter((line) => line.message === 'request' && Number(line.status) >= 500)).toEqual([])
})
