/** Servers under measurement: started on loopback, measured through /proc, ended by their id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { get } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export interface Start {
  readonly command: readonly string[]
  /** An `http:` URL that answers 200 once the server serves. */
  readonly url: string
  /** CPUs that it may use, as `taskset --cpu-list` takes them. */
  readonly cpus: string
  /** File for its standard output; default: dropped. */
  readonly output?: string
}

export interface RunningServer {
  readonly pid: number
  /** Milliseconds from exec to the first 200. */
  readonly startedIn: number
  /** CPU time of the server and all its descendants so far, in microseconds, user and system. */
  cpu(): number
  /** Resident memory of the server and its descendants, in bytes. */
  memory(): number
  /** Sum of their peaks, in bytes. */
  peakMemory(): number
  stop(): Promise<void>
}

/** Ticks of /proc/PID/stat a second; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100
const startLimit = 60_000
const stopLimit = 5_000

/** Those that run: they end with this process, even if it fails where nothing stops them. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGTERM')
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Starts a server and resolves when its URL answers 200; rejects if it ends or takes too long. */
export async function startServer({ command, url, cpus, output = '/dev/null' }: Start): Promise<RunningServer> {
  const log = openSync(output, 'a')
  const started = performance.now()
  const child = spawn('taskset', ['--cpu-list', cpus, ...command], { stdio: ['ignore', log, 'pipe'] })
  closeSync(log)
  running.add(child)
  child.once('exit', () => running.delete(child))
  let complaints = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2_000)
  })
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  while (!(await answersOk(url))) {
    const ended = child.exitCode !== null || child.signalCode !== null || failure !== undefined
    if (ended || performance.now() - started > startLimit) {
      child.kill('SIGKILL')
      const why = failure?.message ?? complaints.trim().replaceAll('\n', ' ').slice(-300)
      throw new Error(`the server does not answer ${url} with 200: ${why}`)
    }
    // A refused connection costs some 50 µs.
    await pause(1)
  }
  const pid = child.pid as number
  return {
    pid,
    startedIn: performance.now() - started,
    cpu: () => sum(family(pid), cpuOf),
    memory: () => sum(family(pid), (member) => memoryLine(member, 'VmRSS')),
    peakMemory: () => sum(family(pid), (member) => memoryLine(member, 'VmHWM')),
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopLimit)
  await ended
  clearTimeout(timer)
}

function answersOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => resolve(false))
  })
}

/** A process and its descendants. */
function family(pid: number): number[] {
  const parents = readdirSync('/proc').flatMap((entry) =>
    /^\d+$/.test(entry) ? [{ member: Number(entry), parent: Number(statOf(Number(entry))?.[1]) }] : [],
  )
  const found = [pid]
  for (const member of found)
    found.push(...parents.filter(({ parent }) => parent === member).map(({ member: child }) => child))
  return found
}

/** Fields of /proc/PID/stat from the state on: 0 state, 1 parent, 11 utime, 12 stime. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

function cpuOf(pid: number): number {
  const stat = statOf(pid)
  return stat ? ((Number(stat[11]) + Number(stat[12])) * 1e6) / ticksPerSecond : 0
}

/** A line of /proc/PID/status in bytes: VmHWM is the peak, VmRSS what is resident now. */
function memoryLine(pid: number, name: string): number {
  try {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return Number(match?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}

function sum(pids: readonly number[], measure: (pid: number) => number): number {
  return pids.reduce((total, pid) => total + measure(pid), 0)
}
