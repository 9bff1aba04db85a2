/** Servers under measurement: started on loopback, measured through /proc, ended by their id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

export interface RunningServer {
  readonly pid: number
  /** CPU time of the server and all its descendants so far, in microseconds, user and system. */
  cpu(): number
  /** Sum of the peak resident memory of the server and its descendants, in bytes. */
  peakMemory(): number
  stop(): Promise<void>
}

/** Ticks of /proc/PID/stat a second; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100
const startLimit = 20_000

/** Starts a server and resolves when its port accepts connections; rejects if it ends or takes too long. */
export async function startServer(command: readonly string[], port: number): Promise<RunningServer> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints = (complaints + text).slice(-2_000)
  })
  const deadline = performance.now() + startLimit
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`${program} did not serve on port ${port}: ${complaints.trim()}`)
    }
    await pause(10)
  }
  const pid = child.pid as number
  return {
    pid,
    cpu: () => sum(family(pid), cpuOf),
    peakMemory: () => sum(family(pid), peakMemoryOf),
    stop: () => stop(child),
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await ended
  clearTimeout(timer)
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** A process and its descendants. */
function family(pid: number): number[] {
  const children = readdirSync('/proc').filter(
    (entry) => /^\d+$/.test(entry) && statOf(Number(entry))?.[1] === String(pid),
  )
  return [pid, ...children.flatMap((child) => family(Number(child)))]
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

function peakMemoryOf(pid: number): number {
  return memoryLine(pid, 'VmHWM')
}

/** A line of /proc/PID/status in bytes: VmHWM is the peak, VmRSS what is resident now. */
export function memoryLine(pid: number, name: string): number {
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
