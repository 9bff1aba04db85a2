/** Secrets come in by every way there is; what Gatehouse prints, tells and keeps has none of them. */

import { once } from 'node:events'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePorts } from './support/free-ports.ts'
import { runGatehouse, startGatehouse } from './support/gatehouse.ts'

const marked = (name: string) => `s3cr3t-${name}`

const own = {
  OWN: marked('own'),
  OWN_ARGS: `--own=${marked('own-args')} "${marked('own-quoted')}"`,
  OWN_URL: `http://u:${marked('password')}@h`,
}

const config = (ports: { gateway: number; metrics: number; probed: number }) => `
environment:
  files:
    - path: app.env
    - path: made/created.env
      create: { CREATED: { random: 24 }, CREATED_LITERAL: ${marked('created')} }
  set:
    SET: ${marked('set')}
    FROM_URL: { url: OWN_URL, part: password }
    FROM_JSON: { json: info.json, key: token }
gateway:
  listeners: { http: { address: "127.0.0.1:${ports.gateway}" } }
  routes: [{ path: /crashing/*, to: crashing }, { path: /*, to: "http://127.0.0.1:${ports.probed}" }]
metrics: { address: "127.0.0.1:${ports.metrics}" }
storage: ./storage
control: { socket: ./control.sock }
hooks:
  - { on: fatal, processes: nowhere, url: "http://127.0.0.1:1/\${SET}?\${CREATED}" }
  - { on: fatal, processes: nowhere, run: ["\${OWN}", "\${CREATED}"] }
processes:
  steady:
    command: [sleep, "60", { when: { env: NEVER }, words: "\${OWN_ARGS}" }]
    environment: { files: [{ path: own.env }], set: { OWN_SET: ${marked('process-set')} } }
    ready: { exec: ["true", "\${SET}", "\${OWN_SET:-}"] }
  crashing:
    command: [sh, -c, "exit 3", "\${FROM_FILE}", { words: "\${OWN_ARGS} \${CREATED}" }]
    port: ${ports.probed + 1}
    restart: { backoff: { next: 10ms }, giveUp: { failures: 2 } }
  nowhere:
    command: [{ words: "/\${OWN}/\${CREATED} -x" }]
  not-in-path:
    command: ["\${SET}"]
  not-a-program:
    command: ["./made/\${FROM_JSON}"]
  too-long:
    command: ["true", { words: "\${OWN} ${'x'.repeat(200_000)}" }]
  asked-in-vain:
    command: [sleep, "60"]
    ready: { http: "http://u:\${FROM_URL}@127.0.0.1:${ports.probed}/\${SET}?\${CREATED}", every: 20ms, deadline: 1s }
    restart: { policy: never }
  refused-by-command:
    command: [sleep, "60"]
    ready: { exec: ["./\${FROM_FILE}", "\${CREATED_LITERAL}"], every: 20ms, deadline: 1s }
    restart: { policy: never }
  unheard:
    command: [sleep, "60"]
    ready: { log: "\${SET}", deadline: 300ms }
    restart: { policy: never }
`

it('prints, serves and stores no secret, whatever goes wrong', async () => {
  const answers = createServer((_, response) => response.writeHead(503).end()).listen(0, '127.0.0.1')
  await once(answers, 'listening')
  onTestFinished(() => void answers.close())
  const { port: probed } = answers.address() as { port: number }
  const [gateway = 0, metrics = 0] = await freePorts(2)
  const files = {
    'app.env': `FROM_FILE=${marked('file')}\nan odd line ${marked('odd')}\nCUT=${marked('cut')}#${marked('rest')}\n`,
    'own.env': `OWN_FILE=${marked('own-file')}\n`,
    'info.json': JSON.stringify({ token: marked('json') }),
  }
  const text = config({ gateway, metrics, probed })
  const gatehouse = startGatehouse({ config: text, files, env: own })
  onTestFinished(async () => void (await gatehouse.stop()))
  const failing = ['crashing', 'nowhere', 'not-in-path', 'not-a-program', 'too-long']
  for (const process of failing) await gatehouse.waitFor({ process, state: 'fatal' })
  for (const process of ['asked-in-vain', 'refused-by-command', 'unheard'])
    await gatehouse.waitFor({ process, level: 'error' })
  await gatehouse.waitFor({ process: 'steady', ready: true })
  await gatehouse.waitFor({ message: /hook/, level: 'warn' })

  const verb = async (...words: string[]) => {
    const { stdout, stderr } = await runGatehouse([...words, '--config', gatehouse.file], { env: own })
    expect(stdout + stderr).not.toBe('')
    return stdout + stderr
  }
  const reported = [
    await verb('check'),
    await verb('plan'),
    await verb('status'),
    await verb('status', '--json'),
    await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text(),
    await (await fetch(`http://127.0.0.1:${gateway}/crashing/x`)).text(),
  ]
  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ reload: 'done' })
  const created = readFileSync(join(gatehouse.folder, 'made/created.env'), 'utf8')
  const kept = filesBelow(gatehouse.folder)
    .filter((path) => !(path in files) && !['gatehouse.yaml', 'made/created.env'].includes(path))
    .map((path) => readFileSync(join(gatehouse.folder, path), 'utf8'))
  await gatehouse.stop()

  const all = [...gatehouse.lines.map((line) => JSON.stringify(line)), gatehouse.stderr, ...reported, ...kept].join(
    '\n',
  )
  // What is said instead: as it was written.
  expect(all).toContain('the program /${OWN}/${CREATED} -x does not exist')
  expect(all).toContain('http://u:${FROM_URL}@127.0.0.1')
  const random = /^CREATED=(\w{24})$/m.exec(created)?.[1] ?? ''
  expect(random).toHaveLength(24)
  expect(all).not.toContain(random)
  expect(all).not.toMatch(/s3cr3t-/)
})

function filesBelow(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below)).flatMap((name) => {
    const path = join(below, name)
    const stats = statSync(join(folder, path))
    if (stats.isDirectory()) return filesBelow(folder, path)
    return stats.isFile() ? [path] : []
  })
}
