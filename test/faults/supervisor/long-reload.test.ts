/** A reload of a long file takes seconds; supervision goes on meanwhile. */
import { writeFileSync } from 'node:fs'
import { afterEach, expect, it } from 'vitest'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

/** Says each time that it is asked, and how long it was not. */
const program = `
let last = performance.now()
require('node:http').createServer((_, answer) => {
  const now = performance.now()
  console.log('asked after ' + Math.round(now - last))
  last = now
  answer.end()
}).listen(process.env.PORT, '127.0.0.1')`

it('asks its programs as often as before while a file of 30,000 variables is read', {
  timeout: 120_000,
}, async () => {
  const [port] = await freePorts(1)
  const config = (more: string) => `
gateway:
  threads: 1
  listeners: { web: { address: "127.0.0.1:0" } }
  routes:
    - { path: /first, respond: { status: 200 } }
processes:
  api:
    command: [node, -e, ${JSON.stringify(program)}]
    port: ${port}
    ready: { http: /, every: 50ms }
    alive: { http: /, every: 20ms, timeout: 10s }
storage: ./storage
control: { socket: ./control.sock }
${more}`
  gatehouse = startGatehouse({ config: config('') })
  await gatehouse.ready()
  await gatehouse.waitFor({ process: 'api', message: /^asked/ })
  // Mistaken at its end, so that it is the reading that takes long, and nothing else.
  const variables = Array.from({ length: 30_000 }, (_, index) => `    V${index}: value${index}`).join('\n')
  writeFileSync(gatehouse.file, config(`environment:\n  set:\n${variables}\nmistake: true\n`))
  const from = gatehouse.lines.length
  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ reload: 'refused' }, { after: from, timeout: 90_000 })
  const asked = gatehouse.lines.slice(from).flatMap(({ message }) => /^asked after (\d+)$/.exec(message)?.[1] ?? [])
  // Seconds of reading, and an answer every 20 ms or so; a main thread that reads gives none.
  expect(asked.length).toBeGreaterThan(10)
  expect(gatehouse.lines.slice(from).some(({ message }) => message.includes('unknown key `mistake`'))).toBe(true)
})

it('takes in what was read in pieces, and is right about it', { timeout: 120_000 }, async () => {
  const routes = Array.from(
    { length: 1_201 },
    (_, index) => `    - { path: /p${index}, respond: { status: 200, body: "${index}" } }`,
  )
  const processes = Array.from({ length: 3 }, (_, index) => `  p${index}: { command: [sleep, "1000"] }`)
  const config = (some: readonly string[]) =>
    `gateway:\n  threads: 1\n  listeners: { web: { address: "127.0.0.1:0" } }\n  routes:\n${some.join('\n')}
processes:\n${processes.join('\n')}
storage: ./storage\ncontrol: { socket: ./control.sock }\n`
  gatehouse = startGatehouse({ config: config(routes.slice(0, 1)) })
  await gatehouse.ready()
  const pids = ['p0', 'p1', 'p2'].map(gatehouse.pidOf)
  writeFileSync(gatehouse.file, config(routes))
  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ reload: 'done', routes: 1_201 }, { timeout: 60_000 })
  const url = await gatehouse.url('web')
  for (const path of ['/p0', '/p499', '/p500', '/p1200'])
    expect(await (await fetch(url + path)).text()).toBe(path.slice(2))
  expect(['p0', 'p1', 'p2'].map(gatehouse.pidOf)).toEqual(pids)
})
