/** A real Redis of a test's own, which can be frozen, killed and started again on the same port. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { part } from '../../parts.ts'
import { freePorts } from './free-ports.ts'

export interface Redis {
  readonly port: number
  /** Of the server that runs; another one after `start`. */
  readonly pid: number
  /** Asks it: `redis.ask('client', 'list')`. */
  ask(...words: string[]): Promise<string>
  signal(signal: NodeJS.Signals): void
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** After `kill`: an empty one on the same port. */
  start(): Promise<void>
  /** To be called at the end of every test. */
  stop(): Promise<void>
}

export interface RedisOptions {
  readonly password?: string
  /** More words of its command line. */
  readonly options?: readonly string[]
  /** How `redis-cli` reaches it, if it needs more than the port. */
  readonly cli?: readonly string[]
}

export async function startRedis({ password, options = [], cli = [] }: RedisOptions = {}): Promise<Redis> {
  const [port = 0] = await freePorts(1)
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-redis-'))
  const words = [
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'],
    password === undefined ? [] : ['--requirepass', password],
    options,
  ].flat()
  let server = await spawnRedis(words)
  const signal = (name: NodeJS.Signals) => void server.kill(name)
  async function kill(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return
    const gone = once(server, 'exit')
    signal('SIGKILL')
    await gone
  }
  return {
    port,
    get pid() {
      return server.pid ?? 0
    },
    async ask(...question) {
      const env = { ...process.env, ...(password !== undefined && { REDISCLI_AUTH: password }) }
      const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(port), ...cli, ...question], { env })
      return stdout
    },
    signal,
    kill,
    async start() {
      server = await spawnRedis(words)
    },
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves when it accepts connections. */
async function spawnRedis(words: readonly string[]) {
  const server = spawn(part('redis-server') ?? 'redis-server', words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const withRunner = () => void server.kill('SIGKILL')
  process.once('exit', withRunner)
  server.once('exit', () => process.off('exit', withRunner))
  let said = ''
  for await (const line of createInterface({ input: server.stdout })) {
    said += `${line}\n`
    if (!line.includes('Ready to accept connections')) continue
    server.stdout.resume()
    return server
  }
  throw new Error(`Redis did not start:\n${said}`)
}
