/**
 * `node bench/startup.ts [RUNS]`: time from exec to the first 200 of the binary (median), memory when idle, and size.
 * It connects to the port every millisecond from the start: a refused connection costs some 50 µs, and a loop without a
 * pause would take one of two cores from what it measures.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePorts } from '../test/e2e/support/free-ports.ts'
import { gatehouse } from './peers.ts'
import { median, save } from './report.ts'
import { memoryLine } from './servers.ts'

const [runs = 10] = process.argv.slice(2).map(Number)
const settle = 5_000

interface Memory {
  readonly resident: number
  /** Of that, pages that belong to no file: the heaps, which no other process shares. */
  readonly anonymous: number
  /** Resident with shared pages counted in proportion. */
  readonly proportional: number
}

interface Start {
  /** Milliseconds from exec to the first 200. */
  readonly firstAnswer: number
  readonly memory?: Memory
}

dropFromPageCache(gatehouse.program)
const cold = await start()
const warm: Start[] = []
while (warm.length < runs) warm.push(await start({ untilIdle: warm.length === runs - 1 }))

const answers = warm.map(({ firstAnswer }) => firstAnswer)
const memory = warm.at(-1)?.memory
const size = statSync(gatehouse.program).size
const range = `${Math.min(...answers).toFixed(0)} to ${Math.max(...answers).toFixed(0)}`
console.log(`exec to first 200: ${median(answers).toFixed(0)} ms (median of ${runs}, ${range})`)
console.log(`  read from the disk, not from the page cache: ${cold.firstAnswer.toFixed(0)} ms (once)`)
console.log(`idle after ${settle / 1000} s: RSS ${megabytes(memory?.resident)}, PSS ${megabytes(memory?.proportional)}`)
console.log(`  of it anonymous: ${megabytes(memory?.anonymous)}`)
console.log(`size of the binary: ${megabytes(size)}`)
console.log(`written to ${save('startup', { cold: cold.firstAnswer, warm: answers, memory, size })}`)

async function start({ untilIdle = false } = {}): Promise<Start> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-startup-'))
  mkdirSync(join(folder, 'files'))
  writeFileSync(join(folder, 'files/hot.css'), 'a')
  const [port = 0] = await freePorts(1)
  const [program = '', ...args] = gatehouse.prepare({ folder, port, upstream: 1, files: folder })
  const started = performance.now()
  const child = spawn(program, args, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  try {
    while (!(await answersOk(`http://127.0.0.1:${port}/files/hot.css`))) {
      if (child.exitCode !== null) throw new Error(`the binary ended with ${child.exitCode}`)
      await pause(1)
    }
    const firstAnswer = performance.now() - started
    if (!untilIdle) return { firstAnswer }
    await pause(settle)
    return { firstAnswer, memory: memoryOf(child.pid as number) }
  } finally {
    child.kill('SIGTERM')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
}

function answersOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => resolve(false))
  })
}

function memoryOf(pid: number): Memory {
  const proportional = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  return {
    resident: memoryLine(pid, 'VmRSS'),
    anonymous: memoryLine(pid, 'RssAnon'),
    proportional: Number(proportional?.[1] ?? 0) * 1024,
  }
}

/**
 * A file that was just written is in the page cache in large folios, which are mapped as a whole: the same process then
 * shows 40 MB more. A binary from an image is read from the disk, so that is measured.
 */
function dropFromPageCache(file: string): void {
  spawnSync('sync', [file])
  spawnSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'])
}

function megabytes(bytes = Number.NaN): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
