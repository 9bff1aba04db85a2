/** Whatever programs write, and wherever it goes: the whole program, with log files. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import { longestLine } from '../../../src/supervisor/output/lines.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { binary, type Gatehouse, runGatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { smallDisk } from '../../telemetry/log-files/desk.ts'

const programs = join(import.meta.dirname, '../../fixtures/programs')
const program = (...words: string[]) =>
  `command: [${[process.execPath, join(programs, words[0] ?? ''), ...words.slice(1)].join(', ')}]`
const settings = 'storage: ./storage\ncontrol: { socket: ./control.sock }\n'

const running = new Set<Gatehouse>()
afterEach(async () => {
  for (const gatehouse of running) await gatehouse.stop()
  running.clear()
})

/** A reader of stdout that is as quick as a flood, and leaves it out. */
const withoutFlood = `exec "$0" "$@" > >(exec grep --line-buffered -v '"process":"flood"')`

function start(config: string): Gatehouse {
  const command = ['/bin/bash', '-c', withoutFlood, ...binary]
  const gatehouse = startGatehouse({ config: settings + config, command })
  running.add(gatehouse)
  return gatehouse
}

/** Megabytes: now, and the most so far. */
function memoryOf(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1_024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

function log(folder: string, name: string, stream = 'stdout'): string {
  return join(folder, 'logs', name, `${hostname()}-${stream}.log`)
}

describe('what a program writes', () => {
  it('floods, lines of 10 MB, binary, a closed stdout: bounded memory, cut and marked, and no sibling stalls', async () => {
    const [port] = await freePorts(1)
    const gatehouse = start(`
gateway: { threads: 1, listeners: { http: { address: "127.0.0.1:${port}" } }, routes: [{ files: { root: . } }] }
log: { directory: ./logs, rotate: { size: 1MB, keep: 2 } }
processes:
  ticker: { ${program('ticks.js')} }
  flood: { ${program('floods-stdout.js', 'lines')}, dependsOn: { ticker: started } }
  long-line: { kind: task, ${program('floods-stdout.js', 'long-line')} }
  binary: { kind: task, ${program('floods-stdout.js', 'binary')} }
  mute: { ${program('closes-stdout.js')} }
`)
    const { folder, pid } = gatehouse
    await gatehouse.waitFor({ process: 'mute', stream: 'stderr', message: 'closed' })
    const long = await gatehouse.waitFor({ process: 'long-line', message: /^xxx/ })
    await gatehouse.waitFor({ process: 'binary', message: '\0\ufffd\ufffd\ufffd' })
    expect(long.message.endsWith(`x… [cut: ${10_000_000 - longestLine} bytes]`)).toBe(true)

    const before = memoryOf(pid)
    const late: number[] = []
    const answers: number[] = []
    for (let round = 0; round < 40; round += 1) {
      const asked = performance.now()
      expect((await fetch(`http://127.0.0.1:${port}/gatehouse.yaml`)).status).toBe(200)
      answers.push(performance.now() - asked)
      const after = gatehouse.lines.length
      const { message, time } = await gatehouse.waitFor({ process: 'ticker', stream: 'stdout' }, { after })
      late.push(Date.parse(String(time)) - Number(message.slice('tick '.length)))
    }
    const { peak } = memoryOf(pid)
    expect(Math.max(...late)).toBeLessThan(1_000)
    expect(Math.max(...answers)).toBeLessThan(1_000)
    expect(peak - before.now).toBeLessThan(250)

    gatehouse.signal('SIGTERM')
    await gatehouse.exit
    const files = readdirSync(join(folder, 'logs/flood')).filter((file) => !file.endsWith('.part'))
    expect(files.length).toBeGreaterThan(1)
    expect(files.length).toBeLessThanOrEqual(3)
    for (const file of files) {
      const bytes = readFileSync(join(folder, 'logs/flood', file))
      const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n')
      const others = lines.filter((line) => line !== `flood${' flood'.repeat(7)}` && !line.startsWith('[gatehouse: '))
      expect(others).toEqual([])
      expect(lines.join('\n').length).toBeLessThan(1_000_000)
    }
    expect(readFileSync(log(folder, 'long-line'), 'utf8')).toBe(`${long.message}\nafter\n`)
    expect(readFileSync(log(folder, 'mute', 'stderr'), 'utf8')).toBe('closed\n')
    expect(readFileSync(log(folder, 'binary'), 'utf8')).toBe('\0\ufffd\ufffd\ufffd\nafter\n')
  })

  it('stack traces and JSON: one record each in the log, lines as they were in the files', async () => {
    const gatehouse = start(`
log: { directory: ./logs }
processes:
  teller: { ${program('tells-much.js')}, output: { multiline: java }, ready: { log: "^last$" } }
  private: { ${program('tells-much.js')}, output: { files: false } }
`)
    const { folder } = gatehouse
    const trace =
      'java.lang.IllegalStateException: no\n\tat a.B.c(B.java:1)\nCaused by: java.io.IOException\n\t... 3 more'
    const expected = { process: 'teller', level: 'info' }
    await gatehouse.waitFor({ ...expected, stream: 'stdout', message: trace })
    await gatehouse.waitFor({ ...expected, stream: 'stderr', message: '\tat on stderr' })
    await gatehouse.waitFor({ ...expected, stream: 'stdout', message: 'last' })
    const json = await gatehouse.waitFor({ process: 'teller', level: 'warn', message: 'as JSON' })
    expect(json.json).toMatchObject({ level: 'warn', msg: 'as JSON' })
    await gatehouse.waitFor({ process: 'private', message: 'last' })
    gatehouse.signal('SIGTERM')
    await gatehouse.exit
    expect(readFileSync(log(folder, 'teller'), 'utf8')).toBe(
      `{"level":"warn","msg":"as JSON","id":12345678901234567890}\n${trace}\nlast\n`,
    )
    expect(readFileSync(log(folder, 'teller', 'stderr'), 'utf8')).toBe('\tat on stderr\n')
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual(['gatehouse', 'teller'])
    const own = readFileSync(log(folder, 'gatehouse'), 'utf8').trimEnd().split('\n')
    expect(own.map((line) => JSON.parse(line).message)).toEqual(
      gatehouse.lines.filter(({ stream }) => stream === undefined).map(({ message }) => message),
    )
  })
})

describe('a full disk for log files', () => {
  it('is in log, status and health; the gateway serves, children run, and writing resumes once there is room', async (test) => {
    const disk = smallDisk(1024 * 1024) ?? test.skip()
    const ballast = join(disk, 'ballast')
    writeFileSync(ballast, Buffer.alloc(1024 * 1024))
    const [port] = await freePorts(1)
    const gatehouse = start(`
gateway: { threads: 1, listeners: { http: { address: "127.0.0.1:${port}" } }, routes: [{ files: { root: . } }] }
log: { directory: ${disk}, rotate: { size: 100KB, keep: 1 } }
processes:
  ticker: { ${program('ticks.js')} }
  flood: { ${program('floods-stdout.js', 'lines')} }
`)
    await gatehouse.waitFor({ message: /flood.*cannot be written: ENOSPC/ })
    await gatehouse.waitFor({ message: /ticker.*cannot be written: ENOSPC/ })
    const status = async () => JSON.parse((await runGatehouse(['status', gatehouse.file, '--json'])).stdout)
    expect((await status()).warnings).toContainEqual(expect.stringMatching(/ticker.*cannot be written: ENOSPC/))
    const health = await runGatehouse(['healthcheck', gatehouse.file])
    expect(health).toMatchObject({ code: 0 })
    expect(health.stdout + health.stderr).toMatch(/cannot be written: ENOSPC/)
    expect((await fetch(`http://127.0.0.1:${port}/gatehouse.yaml`)).status).toBe(200)
    const after = gatehouse.lines.length
    await gatehouse.waitFor({ process: 'ticker', stream: 'stdout' }, { after })
    expect(gatehouse.lines.filter(({ message }) => /flood.*cannot be written: ENOSPC/.test(message))).toHaveLength(1)

    rmSync(ballast)
    await gatehouse.waitFor({ message: /ticker.*is written again; nothing was lost/ })
    const ticks = readFileSync(join(disk, 'ticker', `${hostname()}-stdout.log`), 'utf8')
    expect(ticks).toContain(String(gatehouse.lines.find(({ message }) => message.startsWith('tick '))?.message))
    writeFileSync(ballast, '')
    const started = performance.now()
    gatehouse.signal('SIGTERM')
    expect(await gatehouse.exit).toEqual({ code: 0, signal: null })
    expect(performance.now() - started).toBeLessThan(10_000)
  })
})
