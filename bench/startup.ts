/**
 * `node bench/startup.ts [RUNS]`: from exec to the first 200 of the binary (median), idle memory, and size. The port is
 * dialled in a tight loop, a connection refused takes well under a millisecond.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePorts } from '../test/e2e/support/free-ports.ts'
import { gatehouse } from './peers.ts'
import { median } from './report.ts'
import { memoryLine } from './servers.ts'

const [runs = 10] = process.argv.slice(2).map(Number)
const settle = 5_000
const firstAnswers: number[] = []
let memory: { rss: number; pss: number } | undefined

for (let run = 0; run < runs; run += 1) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-startup-'))
  mkdirSync(join(folder, 'files'))
  writeFileSync(join(folder, 'files/hot.css'), 'a')
  const [port = 0] = await freePorts(1)
  const [program = '', ...args] = gatehouse.prepare({ folder, port, upstream: 1, files: folder })
  const started = performance.now()
  const child = spawn(program, args, { stdio: 'ignore' })
  while (!(await answers(`http://127.0.0.1:${port}/files/hot.css`))) {
    if (child.exitCode !== null) throw new Error(`the binary ended with ${child.exitCode}`)
  }
  firstAnswers.push(performance.now() - started)
  if (run === runs - 1) {
    await pause(settle)
    memory = { rss: memoryLine(child.pid as number, 'VmRSS'), pss: proportional(child.pid as number) }
  }
  child.kill('SIGTERM')
  await once(child, 'exit')
  rmSync(folder, { recursive: true, force: true })
}

const spread = `${Math.min(...firstAnswers).toFixed(0)} to ${Math.max(...firstAnswers).toFixed(0)}`
console.log(`exec to first 200: ${median(firstAnswers).toFixed(0)} ms (median of ${runs}, ${spread})`)
console.log(`idle after ${settle / 1000} s: RSS ${megabytes(memory?.rss)}, PSS ${megabytes(memory?.pss)}`)
console.log(`size of the binary: ${megabytes(statSync(gatehouse.program).size)}`)

function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    }).on('error', () => resolve(false))
  })
}

/** Resident memory with shared pages counted in proportion, in bytes. */
function proportional(pid: number): number {
  const match = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))
  return Number(match?.[1] ?? 0) * 1024
}

function megabytes(bytes = Number.NaN): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}
