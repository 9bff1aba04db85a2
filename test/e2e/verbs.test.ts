/** The verbs as a person types them: what they print, and the exit codes that the README promises. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { freePorts } from './support/free-ports.ts'
import { projectFolder, runGatehouse, startGatehouse } from './support/gatehouse.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-verbs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const good = file(
  'good.yaml',
  `gateway:
  listeners: { http: { address: "127.0.0.1:8080" } }
  routes:
    - { path: /api/*, to: api }
    - { files: { root: . } }
processes:
  api: { command: [node, api.js], port: 9000, dependsOn: { db: ready }, essential: true }
  db: { command: [db, --fast], port: 9001, ready: { tcp: 9001 }, environment: { set: { PASSWORD: hidden-word } } }
`,
)

const fiveMistakes = file(
  'five.yaml',
  `gateway:
  listeners: { http: { adress: ":8080" } }
  routes:
    - { path: /api/*, to: nowhere }
    - { path: /files/*, files: { root: ./no-such-folder } }
processes:
  a: { command: [a], stop: { grace: 10 parsecs } }
  b: { command: [b], dependsOn: { c: ready } }
  c: { command: [c], dependsOn: { b: ready } }
`,
)

describe('gatehouse check', () => {
  it('prints all of five mistakes with their positions and exits 1', async () => {
    const { code, stderr } = await runGatehouse(['check', fiveMistakes])
    expect(code).toBe(1)
    expect(stderr).toMatch(/five\.yaml:2:\d+: error: unknown key `adress`\n\s+did you mean `address`/)
    expect(stderr).toMatch(/five\.yaml:4:\d+: error: .*nowhere/)
    expect(stderr).toMatch(/five\.yaml:5:\d+: error: .*no-such-folder/)
    expect(stderr).toMatch(/five\.yaml:7:\d+: error: .*10 parsecs/)
    expect(stderr).toMatch(/five\.yaml:[89]:\d+: error: .*(b → c → b|c → b → c)/)
  })

  it('says what is in a good file and exits 0; --config means the same as the argument', async () => {
    expect(await runGatehouse(['check', good])).toMatchObject({ code: 0, stdout: 'ok: 2 routes, 2 processes\n' })
    expect(await runGatehouse(['check', '--config', good])).toMatchObject({
      code: 0,
      stdout: 'ok: 2 routes, 2 processes\n',
    })
  })

  it('names a file that is not there', async () => {
    const { code, stderr } = await runGatehouse(['check', join(folder, 'absent.yaml')])
    expect(code).toBe(1)
    expect(stderr).toContain('absent.yaml')
  })
})

describe('gatehouse plan', () => {
  it('shows the order of starting and where each route goes, and no secrets', async () => {
    const { code, stdout } = await runGatehouse(['plan', good])
    expect(code).toBe(0)
    expect(stdout).toMatch(/1\.\s+\/api\/\* → api\s+http:\/\/127\.0\.0\.1:9000/)
    expect(stdout).toMatch(/wave 1\s+db\s+db --fast/)
    expect(stdout).toMatch(/wave 2\s+api\s+node api\.js\s+essential; after db ready/)
    expect(stdout).not.toContain('hidden-word')
  })
})

describe('gatehouse status', () => {
  it('shows state, readiness, pid, uptime and restarts of each process', async () => {
    const [port] = await freePorts(1)
    const gatehouse = startGatehouse({
      config: `
processes:
  api:
    command: [node, ${projectFolder}/test/e2e/programs/upstream.js]
    port: ${port}
    ready: { http: /health, every: 20ms }
  waits: { command: [node, -e, ""], dependsOn: { never: ready } }
  never: { command: [node, -e, "setInterval(() => {}, 1000)"], ready: { log: "this is never printed" } }
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    try {
      await gatehouse.waitFor({ process: 'api', ready: true })
      const socket = join(gatehouse.folder, 'control.sock')
      const first = gatehouse.pidOf('api')
      const after = gatehouse.lines.length
      process.kill(first, 'SIGKILL')
      await gatehouse.waitFor({ process: 'api', ready: true }, { after })

      const json = JSON.parse((await runGatehouse(['status', '--socket', socket, '--json'])).stdout)
      const api = json.processes.find((one: { name: string }) => one.name === 'api')
      expect(json.pid).toBe(gatehouse.pid)
      expect(api).toMatchObject({ state: 'running', ready: true, restarts: 1, pid: gatehouse.pidOf('api') })
      expect(api.uptime).toBeGreaterThan(0)

      const table = await runGatehouse(['status', gatehouse.file])
      expect(table.code).toBe(0)
      expect(table.stdout).toMatch(new RegExp(`api\\s+running\\s+yes\\s+${api.pid}\\s+\\S+.*\\s1\\b`))
      expect(table.stdout).toMatch(/waits\s+waiting\s+.*never/)
    } finally {
      await gatehouse.stop()
    }
  })

  it('exits 4 and names the socket when nothing runs', async () => {
    const { code, stderr } = await runGatehouse(['status', '--socket', join(folder, 'absent.sock')])
    expect(code).toBe(4)
    expect(stderr).toContain('absent.sock')
  })
})

describe('gatehouse', () => {
  it('teaches in --help: every verb and every exit code', async () => {
    const { code, stdout } = await runGatehouse(['--help'])
    expect(code).toBe(0)
    for (const verb of ['run', 'check', 'plan', 'status']) expect(stdout).toMatch(new RegExp(`\\b${verb}\\b`))
    for (const exit of ['0', '1', '2', '3', '4', '70']) expect(stdout).toMatch(new RegExp(`^\\s+${exit}\\s`, 'm'))
  })

  it('exits 2 on wrong usage and names what was meant', async () => {
    expect(await runGatehouse(['statsu'])).toMatchObject({ code: 2, stderr: expect.stringContaining('status') })
    expect(await runGatehouse(['check', good, '--config', fiveMistakes])).toMatchObject({ code: 2 })
  })
})
