/** What is refused, and what is said. Nothing may have been started when a start is refused. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, startGatehouse } from './support/gatehouse.ts'

let running: Gatehouse[] = []

function start(config: string, env: Record<string, string> = {}): Gatehouse {
  const gatehouse = startGatehouse({ config, env })
  running.push(gatehouse)
  return gatehouse
}

afterEach(async () => {
  const started = running
  running = []
  for (const gatehouse of started) await gatehouse.stop()
})

const tail = 'storage: ./storage\ncontrol: { socket: ./control.sock }\n'
const witness = 'witness: { kind: task, command: [node, -e, "console.log(\'started\')"] }'

describe('a start that is refused', () => {
  const broken: readonly (readonly [what: string, config: string, said: RegExp])[] = [
    ['malformed YAML', `processes:\n  ${witness}\n  x: [\n${tail}`, /gatehouse\.yaml:\d+:\d+: error: /],
    [
      'an unknown key',
      `processes:\n  ${witness}\nproceses: {}\n${tail}`,
      /gatehouse\.yaml:3:1: error: unknown key `proceses`/,
    ],
    ['a wrong type', `processes:\n  ${witness}\n  b: { command: 5 }\n${tail}`, /gatehouse\.yaml:3:\d+: error: /],
    [
      'a variable that is not set',
      `processes:\n  ${witness}\n  b: { command: [echo, "\${NOWHERE}"] }\n${tail}`,
      /gatehouse\.yaml:3:\d+: error: .*NOWHERE/,
    ],
  ]
  for (const [what, config, said] of broken) {
    it(`${what}: the place is reported, exit 1, nothing was started`, async () => {
      const gatehouse = start(config)
      expect(await gatehouse.exit).toEqual({ code: 1, signal: null })
      expect(gatehouse.stderr).toMatch(said)
      expect(gatehouse.lines).toEqual([])
    })
  }

  it('a port in use: reported with exit 3 before any child is started', async () => {
    const blocker = createServer().listen(0, '127.0.0.1')
    await once(blocker, 'listening')
    const { port } = blocker.address() as { port: number }
    const gatehouse = start(`
gateway: { listeners: { http: { address: "127.0.0.1:${port}" } }, routes: [{ files: { root: . } }] }
processes:
  ${witness}
${tail}`)
    expect(await gatehouse.exit).toEqual({ code: 3, signal: null })
    expect(gatehouse.lines.some((line) => line.level === 'error' && line.message.includes(String(port)))).toBe(true)
    expect(gatehouse.lines.some((line) => line.process === 'witness')).toBe(false)
    blocker.close()
  })

  it('a port that another gatehouse serves: reported as well, although both could share it', async () => {
    const [port] = await freePorts(1)
    const config = `
gateway: { listeners: { http: { address: "127.0.0.1:${port}" } }, routes: [{ files: { root: . } }] }
processes:
  ${witness}
${tail}`
    const first = start(config)
    await first.ready()
    const second = start(config)
    expect(await second.exit).toEqual({ code: 3, signal: null })
    expect(second.lines.some((line) => line.level === 'error' && line.message.includes(String(port)))).toBe(true)
    expect(second.lines.some((line) => line.process === 'witness')).toBe(false)
    expect((await fetch(`http://127.0.0.1:${port}/gatehouse.yaml`)).status).toBe(200)
  })
})

describe('a command that does not exist', () => {
  it('makes that process fatal with the reason; the rest runs', async () => {
    const gatehouse = start(`
processes:
  missing: { command: [no-such-program] }
  ${witness}
${tail}`)
    const fatal = await gatehouse.waitFor({ process: 'missing', state: 'fatal' })
    expect(fatal.message).toContain('no-such-program')
    await gatehouse.waitFor({ process: 'witness', message: 'started' })
    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
  })

  it('ends the run with 127 if the process is essential', async () => {
    const gatehouse = start(`processes:\n  missing: { command: [no-such-program], essential: true }\n${tail}`)
    expect(await gatehouse.exit).toEqual({ code: 127, signal: null })
  })
})

describe('secrets', () => {
  it('never reach the output, whatever fails around them', async () => {
    const secret = 'tres-secret-value'
    const gatehouse = start(
      `
processes:
  crash: { command: [node, -e, "process.exit(1)"], environment: { set: { PASSWORD: "\${PASSWORD}" } }, restart: { backoff: { next: 10ms }, giveUp: { failures: 2, within: 60s } }, essential: true }
${tail}`,
      { PASSWORD: secret },
    )
    expect(await gatehouse.exit).toEqual({ code: 1, signal: null })
    expect(gatehouse.lines.length).toBeGreaterThan(2)
    expect(JSON.stringify(gatehouse.lines) + gatehouse.stderr).not.toContain(secret)
  })
})
