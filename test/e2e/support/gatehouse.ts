/** Starts Gatehouse as an operator would, with real children, and waits on what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { type LinePattern, LineRecord, type LogLine, parseLine } from './log-lines.ts'
import { processesOf, type RunningProcess } from './processes.ts'

export const projectFolder = resolve(import.meta.dirname, '../../..')

/** The program under test as words of a command line: the built binary, or the sources as they are. */
export const binary: readonly string[] = [join(projectFolder, 'dist/gatehouse')]
export const source: readonly string[] = [process.execPath, join(projectFolder, 'src/main.ts')]

export interface GatehouseOptions {
  /** The text of a config file, put into the run's own folder; paths in it are relative to that. */
  readonly config?: string
  /** More files for the run's own folder: relative path → content. */
  readonly files?: Readonly<Record<string, string>>
  /** Or a config file that exists. */
  readonly file?: string
  /** Beside PATH and HOME, which is the run's own folder, this is all of its environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Default: `binary`. */
  readonly command?: readonly string[]
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface WaitOptions {
  /** Only lines from this index of `lines` on; a test notes `lines.length` before it causes the event. */
  readonly after?: number
  /** Milliseconds; default 20 s, less than a test's own limit, so that the failure shows the log. */
  readonly timeout?: number
}

export interface Gatehouse {
  readonly pid: number
  /** The run's own folder, removed by `stop`. */
  readonly folder: string
  readonly file: string
  /** Lines of stdout, growing. */
  readonly lines: readonly LogLine[]
  /** What was written to stderr so far. */
  readonly stderr: string
  /** Listener → `host:port`, of those that listen by now. */
  readonly addresses: Readonly<Record<string, string>>
  /** Resolves when it has ended and all its output has been read. */
  readonly exit: Promise<Exit>
  waitFor(pattern: LinePattern, options?: WaitOptions): Promise<LogLine>
  /** Until all services are ready and all tasks done. */
  ready(): Promise<void>
  /** `http://127.0.0.1:49152` of a listener, as soon as it listens. */
  url(listener: string): Promise<string>
  /** The latest pid that the log names for a supervised process. */
  pidOf(name: string): number
  signal(signal: NodeJS.Signals): void
  /**
   * SIGTERM, and SIGKILL to all that is left after 30 s; removes the folder. To be called at the end of every test.
   * Rejects if Gatehouse ended by itself and left a process behind, which is then ended here.
   */
  stop(): Promise<Exit>
  /** What this run started and what still runs, by process group and by environment; empty after a good stop. */
  survivors(): RunningProcess[]
}

const defaultTimeout = 20_000
const stopTimeout = 30_000

export function startGatehouse(options: GatehouseOptions): Gatehouse {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-test-'))
  const file = options.file === undefined ? join(folder, 'gatehouse.yaml') : resolve(options.file)
  if (options.config !== undefined) writeFileSync(file, options.config)
  for (const [path, content] of Object.entries(options.files ?? {})) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  const mark = randomUUID()
  const environment = { ...environmentFor(folder, options.command), ...options.env, GATEHOUSE_TEST_RUN: mark }
  const child = spawnGatehouse(options.command ?? binary, ['run', file], environment)
  const pid = child.pid
  if (pid === undefined) throw new Error('Gatehouse could not be spawned')

  const record = new LineRecord()
  const groups = new Set<number>()
  let stderr = ''
  if (child.stdout)
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = parseLine(text)
      if (typeof line.pid === 'number' && line.process !== undefined) groups.add(line.pid)
      record.add(line)
    })
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk
  })
  // A test runner that gives up must not leave a container's worth of programs behind.
  const stopWithRunner = () => void child.kill('SIGTERM')
  process.once('exit', stopWithRunner)
  const exit = exitOf(child).then((how) => {
    process.off('exit', stopWithRunner)
    record.end(`Gatehouse ended with ${how.signal ?? how.code} (stderr: ${stderr.trim() || 'empty'})`)
    return how
  })
  const survivors = () => processesOf(groups, `GATEHOUSE_TEST_RUN=${mark}`)
  const waitFor = (pattern: LinePattern, { after = 0, timeout = defaultTimeout }: WaitOptions = {}) =>
    record.waitFor(pattern, after, timeout)

  return {
    pid,
    folder,
    file,
    lines: record.lines,
    exit,
    waitFor,
    survivors,
    get stderr() {
      return stderr
    },
    get addresses() {
      const said = record.lines.filter((line) => line.message === 'listening')
      return Object.fromEntries(said.map((line) => [String(line.listener), String(line.address)]))
    },
    async ready() {
      await waitFor({ message: 'ready' })
    },
    async url(listener) {
      const { address, tls } = await waitFor({ message: 'listening', listener })
      return `${tls ? 'https' : 'http'}://${address}`
    },
    pidOf(name) {
      const line = record.lines.findLast((said) => said.process === name && typeof said.pid === 'number')
      if (!line) throw new Error(`the log has no pid of ${name}; the last lines were:\n${record.tail()}`)
      return Number(line.pid)
    },
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill('SIGTERM')
      const timer = setTimeout(() => survivors().forEach(kill), stopTimeout)
      const how = await exit
      clearTimeout(timer)
      const left = survivors()
      left.forEach(kill)
      rmSync(folder, { recursive: true, force: true })
      if (left.length > 0 && how.signal === null)
        throw new Error(`left behind: ${left.map(({ command }) => command).join('; ')}`)
      return how
    },
  }
}

export interface Outcome extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Runs one verb to its end: `runGatehouse(['check', file])`. */
export async function runGatehouse(words: readonly string[], options: Omit<GatehouseOptions, 'config' | 'file'> = {}) {
  const child = spawnGatehouse(options.command ?? binary, words, {
    ...environmentFor(tmpdir(), options.command),
    ...options.env,
  })
  const [how, stdout, stderr] = await Promise.all([exitOf(child), text(child.stdout), text(child.stderr)])
  return { ...how, stdout, stderr } satisfies Outcome
}

function spawnGatehouse(command: readonly string[], words: readonly string[], env: Record<string, string>) {
  const [program = '', ...first] = command
  if (!existsSync(program)) throw new Error(`${program} is missing: \`npm run build\` makes it`)
  return spawn(program, [...first, ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
}

/** Keeps what Node made of the sources from one start to the next: without that each start from them costs 1 s of CPU more. */
export const compileCache = { NODE_COMPILE_CACHE: join(projectFolder, 'node_modules/.cache/compiled') }

/** The pinned Node comes first, as npm has it; nothing else of the test runner's own environment gets in. */
function environmentFor(home: string, command: readonly string[] = binary): Record<string, string> {
  return {
    PATH: `${projectFolder}/node_modules/.bin:${process.env.PATH}`,
    HOME: home,
    LANG: 'C.UTF-8',
    ...(command !== binary && compileCache),
  }
}

async function exitOf(child: ChildProcess): Promise<Exit> {
  const [code, signal] = await once(child, 'close')
  return { code, signal }
}

function kill({ pid }: RunningProcess): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}
