/** Our own limit of open files, reached by a flood of connections: it concerns those connections, and no program. */
import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { readStatus } from '../../../src/control/client/client.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { binary, type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { isRunning } from '../../e2e/support/processes.ts'

let gatehouse: Gatehouse | undefined
let sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets = []
  await gatehouse?.stop()
  gatehouse = undefined
})

/** Says each time that it is asked. */
const program = `require('node:http').createServer((_, answer) => { console.log('asked'); answer.end() }).listen(process.env.PORT, '127.0.0.1')`

const flood = 200

it.each([64, 100, 128, 256])(
  'neither dies nor ends healthy programs when %i descriptors are used up',
  { timeout: 60_000 },
  async (limit) => {
    const [one, two, metrics] = await freePorts(3)
    const process = (port: number | undefined) => `
    command: [node, -e, ${JSON.stringify(program)}]
    port: ${port}
    ready: { http: /, every: 50ms }
    alive: { http: /, every: 50ms, failures: 2, timeout: 10s }`
    gatehouse = startGatehouse({
      command: ['/bin/sh', '-c', `ulimit -n ${limit}; exec "$0" "$@"`, ...binary],
      config: `
gateway:
  threads: 1
  listeners: { web: { address: "127.0.0.1:0" } }
  routes: [{ path: /*, to: one }]
metrics: { address: "127.0.0.1:${metrics}" }
processes:
  one: ${process(one)}
  two: ${process(two)}
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    const run = gatehouse
    await run.ready()
    const [before, killed] = [run.pidOf('one'), run.pidOf('two')]
    const url = new URL(await run.url('web'))
    await fill(url)

    const asked = async (name: string, often: number) => {
      for (let after = run.lines.length, left = often; left > 0; left -= 1) {
        const line = await run.waitFor({ process: name, message: /^asked$/ }, { after })
        after = run.lines.indexOf(line, after) + 1
      }
    }
    await Promise.all([asked('one', 10), asked('two', 10)])
    const status = await readStatus(`${run.folder}/control.sock`)
    expect(status.processes.map(({ restarts, ready }) => [restarts, ready])).toEqual([
      [0, true],
      [0, true],
    ])
    expect(status.descriptors?.limit).toBe(limit)
    if (limit < flood) expect(status.warnings.join()).toContain('file descriptors are in use: raise the limit')
    const page = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text()
    expect(page).toContain(`process_max_fds ${limit}`)
    expect(page).toMatch(/^process_open_fds \d+$/m)

    // A program can be started all the same.
    const after = run.lines.length
    globalThis.process.kill(killed, 'SIGKILL')
    await run.waitFor({ process: 'two', message: /ready/ }, { after })

    expect(run.pidOf('one')).toBe(before)
    expect(run.lines.filter(({ message }) => /internal error|did not answer/.test(message))).toEqual([])
    run.signal('SIGTERM')
    expect(await run.exit).toEqual({ code: 0, signal: null })
    expect([before, run.pidOf('two')].filter(isRunning)).toEqual([])
  },
)

/** Opens connections that begin a request and do not end it, until all are open or gone again. */
async function fill({ hostname, port }: URL): Promise<void> {
  await Promise.all(
    Array.from({ length: flood }, async () => {
      const socket = connect(Number(port), hostname)
      socket.on('error', () => {})
      sockets.push(socket)
      await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
      socket.write('GET / HTTP/1.1\r\nhost: a\r\n')
    }),
  )
}
