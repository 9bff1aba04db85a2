/** A reload restarts only what it must: data of a Redis outlive a change of how Redis is supervised. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { part } from '../parts.ts'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, runGatehouse, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

const common = `
environment: { files: [{ path: app.env }] }
log: { directory: logs }
storage: ./storage
control: { socket: ./control.sock }
`

async function start(processes: string, files: Readonly<Record<string, string>> = {}): Promise<Gatehouse> {
  gatehouse = startGatehouse({
    config: `${common}${processes}`,
    files: { 'app.env': 'APP_MODE=a\nMAIL_PASSWORD=hunter2\n', ...files },
    env: { DATABASE_URL: 'postgres://one' },
  })
  await gatehouse.ready()
  return gatehouse
}

async function reload({ file, lines, signal, waitFor }: Gatehouse, processes: string) {
  writeFileSync(file, `${common}${processes}`)
  const preview = await runGatehouse(['plan', '--diff', file])
  const after = lines.length
  signal('SIGHUP')
  const done = await waitFor({ reload: 'done' }, { after })
  const said = lines.slice(after).filter(({ message }) => /restart/.test(String(message)))
  return { done, said: said.map(({ process, message }) => `${process}: ${message}`), preview, after }
}

describe('a reload that changes only how a process is supervised', () => {
  it.skipIf(!part('redis-server'))(
    'leaves Redis running with its data, says so, and all of it is in force',
    async () => {
      const [port = 0] = await freePorts(1)
      const redis = (more: string) => `
processes:
  redis: { command: [redis-server, --port, "${port}", --bind, 127.0.0.1, --save, "", --appendonly, "no"], port: ${port}${more} }
  idle: { command: [sleep, "600"] }
`
      const running = await start(
        redis(', output: { files: false }, ready: { tcp: 0 }').replace('tcp: 0', `tcp: ${port}`),
      )
      const pids = { redis: running.pidOf('redis'), idle: running.pidOf('idle') }
      const cli = (...words: string[]) =>
        execFileSync('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8' })
      cli('set', 'kept', 'yes')
      const changed = redis(
        `
    essential: true
    criticality: critical
    memory: 500MB
    output: { multiline: { first: "^\\\\d+:" } }
    stop: { signal: SIGINT, grace: 45s }
    ready: { exec: [sh, -c, "echo >> asked; redis-cli -p ${port} ping"], every: 20ms, failures: 3 }
    restart: { backoff: { max: 1h } }
    dependsOn: { idle: started }`.replaceAll(/\n\s+/g, ', '),
      )
      const { done, said, preview } = await reload(
        running,
        `${changed}hooks: [{ on: stopping, run: [sh, -c, "echo hook >> heard"] }]\n`,
      )
      expect(done).toMatchObject({ restarted: [], unchanged: ['idle'], adjusted: ['redis'] })
      expect(said).toEqual([
        expect.stringMatching(
          /^redis: dependsOn none → idle started, ready tcp → exec, restart.backoff.max 30s → 1h, essential false → true, criticality important → critical, memory none → 500 MB, output.*, stop.signal SIGTERM → SIGINT, stop.grace 30s → 45s, without a restart$/,
        ),
      ])
      expect(preview).toMatchObject({ code: 0, stderr: '', stdout: `${said[0]}\nhooks: changes without a restart\n` })
      expect(cli('get', 'kept')).toBe('yes\n')
      expect(running.pidOf('redis')).toBe(pids.redis)
      expect(running.pidOf('idle')).toBe(pids.idle)
      // In force: the log file, the probe, the signal, the hook.
      const asked = join(running.folder, 'asked')
      await vi.waitFor(() => expect(existsSync(asked)).toBe(true), { timeout: 10_000 })
      cli('config', 'set', 'loglevel', 'debug')
      running.signal('SIGTERM')
      await running.waitFor({ process: 'redis', message: 'stopping; sending SIGINT to its process group' })
      await running.exit
      expect(readFileSync(join(running.folder, 'heard'), 'utf8')).toContain('hook')
      expect(readFileSync(join(running.folder, `logs/redis/${hostname()}-stdout.log`), 'utf8')).toContain('SIGINT')
    },
  )
})

describe('a variable that is another one now', () => {
  it('restarts only those that read it, named and without its value', async () => {
    const processes = (grace = '10s') => `
processes:
  database: { command: [sleep, "600"], environment: { only: [] }, stop: { grace: ${grace} } }
  api: { command: [sleep, "600"], environment: { only: [APP_*] } }
  all: { command: [sleep, "600"] }
`
    const running = await start(processes())
    const pids = (names: readonly string[]) => names.map((name) => running.pidOf(name))
    const before = pids(['database', 'api'])
    writeFileSync(join(running.folder, 'app.env'), 'APP_MODE=a\nMAIL_PASSWORD=hunter3\n')
    const mail = await reload(running, processes('20s'))
    expect(mail.done).toMatchObject({ restarted: ['all'], unchanged: ['api'], adjusted: ['database'] })
    expect(mail.said).toEqual([
      'all: restarts, because environment changed (MAIL_PASSWORD)',
      'database: stop.grace 10s → 20s, without a restart',
    ])
    expect(pids(['database', 'api'])).toEqual(before)
    writeFileSync(join(running.folder, 'app.env'), 'APP_MODE=b\nMAIL_PASSWORD=hunter3\n')
    const mode = await reload(running, processes('20s'))
    expect(mode.done).toMatchObject({ restarted: ['api', 'all'], unchanged: ['database'] })
    expect(running.pidOf('database')).toBe(before[0])
    expect(mode.preview.stdout.split('\n').sort()).toEqual(['', ...mode.said].sort())
    expect(JSON.stringify(running.lines)).not.toContain('hunter')
    const environment = readFileSync(`/proc/${running.pidOf('database')}/environ`, 'utf8')
    expect(environment).not.toMatch(/DATABASE_URL|MAIL|APP_/)
    expect(environment).toMatch(/PATH=/)
  })
})

describe('gatehouse plan --diff', () => {
  it('says that nothing would change, that the file has errors, and that nothing runs', async () => {
    const processes = 'processes: { a: { command: [sleep, "600"] } }\n'
    const { file } = await start(processes)
    const ask = () => runGatehouse(['plan', '--diff', file])
    expect(await ask()).toMatchObject({ code: 0, stdout: 'a reload would change nothing\n' })
    writeFileSync(file, `${common}processes: { b: { command: [sleep, "600"] } }\nmetrics: { address: "127.0.0.1:0" }\n`)
    expect((await ask()).stdout).toBe(
      'a: stops, because it was removed from the file\nb: starts, because it is new\nmetrics: takes effect at the next start of gatehouse\n',
    )
    writeFileSync(file, `${common}${processes}nonsense: 1\n`)
    const refused = await ask()
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toMatch(
      /a reload would be refused: the file has errors, the first at .*gatehouse.yaml:7:1: unknown key/,
    )
    writeFileSync(file, `${common}${processes}`)
    gatehouse?.signal('SIGTERM')
    await gatehouse?.exit
    expect(await ask()).toMatchObject({ code: 4 })
  })
})
