/**
 * `node bench/supervision.ts [ROUNDS]`: three services, each depending on the one before, under Gatehouse and under
 * supervisord. Each round kills the second one, then the first one, and times events from that SIGKILL on: noticed (by
 * the supervisor), running and serving again (by the service), known to be ready (by the supervisor). At the end the
 * second one crashes at boot for good: what happens to the container?
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { freePorts } from '../test/e2e/support/free-ports.ts'
import { save } from './report/write.ts'
import { followEvents, listen, Observations } from './supervision/observed.ts'
import { gatehouse, type Supervisor, services, supervisord } from './supervision/supervisors.ts'

const [rounds = 10] = process.argv.slice(2).map(Number)
const stages = ['noticed', 'running', 'serving', 'ready'] as const
type Times = Readonly<Record<(typeof stages)[number], number>>

interface Result {
  /** From exec until all three serve. */
  readonly start: number
  readonly crashes: { readonly victim: string; readonly revived: string; readonly times: Times }[]
  /**
   * Milliseconds from the first crash for good until the supervisor gives up, and how it ended within a while, if it
   * did.
   */
  readonly gaveUp: number
  readonly exit: string
}

/**
 * Time to settle, so that a crash does not count as a failed start: for supervisord that is one in the first second.
 */
const settle = 2_500
const endLimit = 10_000

for (const { program } of [gatehouse, supervisord]) if (!existsSync(program)) throw new Error(`${program} is missing`)

const results: Record<string, Result> = {}
for (const supervisor of [gatehouse, supervisord]) results[supervisor.name] = await measure(supervisor)
report()

async function measure(supervisor: Supervisor): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-supervision-'))
  const events = join(folder, 'events')
  const observed = new Observations()
  const server = await listen(events, observed)
  const [program = '', ...words] = supervisor.prepare({ folder, events, ports: await freePorts(services.length) })
  const begun = performance.now()
  const child = spawn(program, words, { stdio: 'ignore' })
  const ended = once(child, 'exit')
  if (supervisor.control !== undefined) void followEvents(join(folder, supervisor.control), observed)
  try {
    const serving = await Promise.all(services.map((name) => observed.first('serving', name, begun)))
    const start = Math.max(...serving.map(({ at }) => at)) - begun
    const crashes: Result['crashes'] = []
    for (let round = 0; round < rounds; round += 1) {
      crashes.push(...(await crash(observed, 'backend', ['backend'])))
      // Services that depend on the database fail with it: how long until the last one is back?
      crashes.push(...(await crash(observed, 'database', ['database', 'web'])))
      process.stderr.write(`${supervisor.name}: round ${round + 1} of ${rounds}\n`)
    }
    await pause(settle)
    writeFileSync(`${events}.broken`, '')
    const broken = performance.now()
    process.kill(observed.pidOf('backend'), 'SIGKILL')
    const { at } = await observed.first('gave-up', 'backend', broken)
    const exit = await Promise.race([ended, pause(endLimit)])
    const how = Array.isArray(exit) ? `exits with ${exit[0] ?? exit[1]}` : `still runs ${endLimit / 1000} s later`
    return { start, crashes, gaveUp: at - broken, exit: how }
  } finally {
    child.kill('SIGTERM')
    await ended
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function crash(observed: Observations, victim: string, all: readonly string[]): Promise<Result['crashes']> {
  await pause(settle)
  const killed = performance.now()
  process.kill(observed.pidOf(victim), 'SIGKILL')
  const since = (one: { at: number }) => one.at - killed
  const noticed = since(await observed.first('noticed', victim, killed))
  const crashes: Result['crashes'] = []
  for (const revived of all) {
    const serving = await observed.first('serving', revived, killed)
    const running = observed.all.findLast((one) => one.what === 'running' && one.pid === serving.pid) ?? serving
    const ready = await observed.first('ready', revived, serving.at - 1)
    const times = { noticed, running: since(running), serving: since(serving), ready: since(ready) }
    crashes.push({ victim, revived, times })
  }
  // Everything is up again before the next crash.
  await observed.first('ready', 'web', killed)
  return crashes
}

/** Mean and worst: supervisord polls once a second, so its times vary widely, which a median would hide. */
function report(): void {
  const ours = results.gatehouse as Result
  const theirs = results.supervisord as Result
  const line = (what: string, a: readonly number[], b: readonly number[]) => {
    const figures = [mean(a), Math.max(...a), mean(b), Math.max(...b)].map((figure) => figure.toFixed(1).padStart(9))
    console.log(`  ${what.padEnd(44)}${figures.join('')}${(mean(a) / mean(b)).toFixed(3).padStart(9)}`)
  }
  console.log(
    `\nmilliseconds, ${rounds} rounds                    gatehouse mean, worst  supervisord mean, worst  ratio`,
  )
  line('exec → all three serve', [ours.start], [theirs.start])
  for (const [victim, revived] of [
    ['backend', 'backend'],
    ['database', 'database'],
    ['database', 'web'],
  ]) {
    for (const stage of stages) {
      if (stage === 'noticed' && revived !== victim) continue
      const of = ({ crashes }: Result) =>
        crashes.filter((one) => one.victim === victim && one.revived === revived).map(({ times }) => times[stage])
      const subject = stage === 'noticed' ? 'noticed' : `${revived} ${stage === 'ready' ? 'known to be ready' : stage}`
      line(`kill -9 ${victim} → ${subject}`, of(ours), of(theirs))
    }
  }
  line('backend crashes for good → given up', [ours.gaveUp], [theirs.gaveUp])
  console.log(`  then: gatehouse ${ours.exit}; supervisord ${theirs.exit}`)
  console.log(`written to ${save('supervision', results)}`)
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
