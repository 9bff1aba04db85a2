/** 30 days are more than a timer of Node takes: it would ring after a millisecond. */
import { afterEach, expect, it } from 'vitest'
import { h1Client } from './support/clients.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, startGatehouse } from './support/gatehouse.ts'

let running: Gatehouse | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const slow = `
const server = require('node:http').createServer((request, response) => setTimeout(() => response.end('late'), 200))
server.listen(process.env.PORT, '127.0.0.1', () => console.log('up'))
process.on('SIGTERM', () => setTimeout(() => { console.log('flushed'); process.exit() }, 300))
`

it('fires nothing at once where 30 days are asked for: probes, timeouts, pauses, hooks, graces', async () => {
  const [port] = await freePorts(1)
  const gatehouse = startGatehouse({
    files: { 'slow.cjs': slow },
    config: `
shutdown: { budget: 30d }
gateway:
  listeners: { http: { address: "127.0.0.1:0" } }
  limits: { headerTimeout: 30d, idleTimeout: 30d, stallTimeout: 30d }
  routes:
    - { path: /process, to: web, timeouts: { connect: 30d, response: 30d } }
    - { path: /upstream, to: far, timeouts: { connect: 30d, response: 30d } }
upstreams:
  far: { targets: ["http://127.0.0.1:${port}"], health: { http: /, every: 30d, timeout: 30d } }
hooks: [{ on: ready, run: [sh, -c, "sleep 0.2; echo hook is through"], timeout: 30d }]
processes:
  web:
    command: [node, slow.cjs]
    port: ${port}
    ready: { http: /, timeout: 30d, deadline: 30d }
    alive: { http: /, every: 30d, timeout: 30d, failures: 1 }
    stop: { grace: 30d }
  broken:
    command: [sh, -c, "exit 3"]
    criticality: rebuildable
    restart: { backoff: { first: 30d, next: 30d, max: 30d } }
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  running = gatehouse
  await gatehouse.waitFor({ process: 'web', state: 'running', ready: true })
  await gatehouse.waitFor({ process: 'hook', message: 'hook is through' })
  await gatehouse.waitFor({ process: 'broken', state: 'backoff' })
  const client = h1Client(await gatehouse.url('http'))
  for (const path of ['/process', '/upstream']) {
    expect((await client.get(path)).status).toBe(200)
  }
  expect(await gatehouse.stop()).toEqual({ code: 0, signal: null })
  const words = gatehouse.lines.map(({ message }) => message)
  expect(words).toContain('flushed')
  expect(words.filter((said) => /SIGKILL|not ready within|did not answer|not done within/.test(said))).toEqual([])
  expect(
    gatehouse.lines.filter(({ process, message }) => process === 'broken' && /^exited/.test(message)),
  ).toHaveLength(1)
  expect(gatehouse.stderr).not.toMatch(/TimeoutOverflowWarning/)
}, 30_000)
