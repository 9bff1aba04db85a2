/** The whole program with two gateway threads: they share one limit exactly. */
import { Agent, get, type IncomingMessage } from 'node:http'
import { expect, it } from 'vitest'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { projectFolder, source, startGatehouse } from '../../e2e/support/gatehouse.ts'

const [node = '', ...main] = source

it('two gateway threads hammered over many connections let exactly the allowed number pass', async () => {
  const [port = 0] = await freePorts(1)
  const gatehouse = startGatehouse({
    // Its preload writes the thread that answers into a header.
    command: [node, '--import', `${projectFolder}/test/fixtures/thread-faults.js`, ...main],
    env: { FAULTS: '/nonexistent' },
    config: `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${port}" } }
  rateLimit: { requests: 137, window: 5m }
  routes: [{ path: /*, redirect: { to: /elsewhere } }]
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  const agents = Array.from({ length: 40 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  try {
    await gatehouse.ready()
    const answers = await Promise.all(agents.flatMap((agent) => Array.from({ length: 10 }, () => ask(port, agent))))
    const passed = answers.filter(({ status }) => status === 302)
    expect(passed).toHaveLength(137)
    expect(new Set(passed.map(({ thread }) => thread)).size).toBe(2)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(400 - 137)
  } finally {
    for (const agent of agents) agent.destroy()
    await gatehouse.stop()
  }
})

async function ask(port: number, agent: Agent): Promise<{ status: number; thread: string }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent, path: '/' }, resolve).on('error', reject)
  })
  answer.resume()
  return { status: answer.statusCode ?? 0, thread: String(answer.headers['x-thread']) }
}
