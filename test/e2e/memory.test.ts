/** The whole program as in a container with little memory: in a real control group with a real limit. */
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { canMakeCgroup, cgroupFor, withoutCgroup } from '../supervisor/memory/real-cgroup.ts'
import { binary, type Gatehouse, projectFolder, runGatehouse, startGatehouse } from './support/gatehouse.ts'

const eater = join(projectFolder, 'test/fixtures/programs/eats-memory.js')
const possible = canMakeCgroup()
const mib = 2 ** 20

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

function start(limit: number, processes: string): Gatehouse {
  gatehouse = startGatehouse({
    command: cgroupFor(limit).inside(binary),
    config: `
processes:
${processes}
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: 127.0.0.1:0 }
`,
  })
  return gatehouse
}

describe.skipIf(!possible)(`a container with a limit (${possible ? 'real cgroup' : withoutCgroup})`, () => {
  it('divides it, passes each Node program its share, shows what uses it, and names what the kernel kills', async () => {
    const words = `process.stdout.write(process.env.NODE_OPTIONS + '\\\\n'); setInterval(() => {}, 60000)`
    const running = start(
      700 * mib,
      `  rts: { command: [node, -e, "${words}"], memory: auto }
  worker: { command: [node, ${eater}, "20"], memory: 100MB, environment: { set: { NODE_OPTIONS: "--max-old-space-size=90" } } }
  db: { command: [node, ${eater}, "10", endless], criticality: critical, memory: 50MB, ready: { log: "^holds" } }`,
    )
    await running.ready()
    // 734 MB, less a quarter for Gatehouse and 150 MB of fixed sizes: three quarters of that are heap.
    await running.waitFor({ process: 'rts', message: '--max-old-space-size=286' })
    const { url } = await running.waitFor({ message: 'metrics' })
    const page = async () => await (await fetch(String(url))).text()
    await expect
      .poll(page, { timeout: 10_000 })
      .toMatch(/gatehouse_process_resident_memory_bytes\{process="rts"\} \d{8}/)
    expect(await page()).toContain('gatehouse_process_memory_limit_bytes{process="rts"} 400502400')
    const { stdout } = await runGatehouse(['status', running.file])
    expect(stdout).toMatch(/^worker .* [\d.]+ MB \/ 100 MB /m)

    process.kill(running.pidOf('db'), 'SIGUSR2')
    const { message } = await running.waitFor({ process: 'db', state: 'backoff' })
    expect(message).toMatch(/^was killed by the kernel for memory \(OOM\) after .*; restarting at once$/)
    expect(await page()).toContain('gatehouse_process_oom_kills_total{process="db"} 1')
    expect(await page()).toContain('gatehouse_process_oom_kills_total{process="rts"} 0')
  })

  it('says at its start what cannot fit, with numbers', async () => {
    const running = start(
      400 * mib,
      `  a: { command: [node, ${eater}, "5"], memory: 300MB }
  b: { command: [node, ${eater}, "5"], memory: 200MB }`,
    )
    const { message } = await running.waitFor({ level: 'warn' })
    expect(message).toBe(
      "the fixed sizes of `memory` add up to 500 MB (a 300 MB, b 200 MB), but only 419 MB may be used, of which 105 MB are kept for Gatehouse; lower them, or raise the container's limit",
    )
    await running.ready()
  })
})
