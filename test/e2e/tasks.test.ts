/** Scheduled tasks, runs on demand and hooks of the whole program. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { type Gatehouse, runGatehouse, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

function start(config: string): Gatehouse {
  const common = 'storage: ./storage\ncontrol: { socket: ./control.sock }\n'
  gatehouse = startGatehouse({ config: `${common}${config}` })
  return gatehouse
}

const verb = (words: readonly string[]) => runGatehouse(words)

test('a scheduled task is not waited for; times that pass while gatehouse is halted become one run, and that is logged', async () => {
  const { ready, waitFor, signal, lines } = start(`
processes:
  web: { command: [sleep, "600"] }
  tick: { kind: task, schedule: "*/2 * * * * *", command: [echo, ticking] }
`)
  await ready()
  await waitFor({ process: 'tick', message: 'ticking' })
  signal('SIGSTOP')
  // Two times of the schedule must pass, and there is no event for that.
  await pause(5_000)
  const after = lines.length
  signal('SIGCONT')
  const late = await waitFor(
    { process: 'tick', level: 'warn', message: /^was due .* ago \(the clock was changed, or/ },
    { after },
  )
  expect(Date.parse(String(late.due)) % 2_000).toBe(0)
  await waitFor({ process: 'tick', message: 'ticking' }, { after: lines.indexOf(late) })
  const between = lines.slice(after, lines.indexOf(late)).filter(({ message }) => message === 'ticking')
  expect(between).toEqual([])
})

test('gatehouse start runs a task, waits for it and passes its exit code on', async () => {
  const { ready, file } = start(`
processes:
  web: { command: [sleep, "600"] }
  good: { kind: task, schedule: "0 0 29 2 *", command: ["true"] }
  bad: { kind: task, schedule: "0 0 29 2 *", command: [sh, -c, exit 42] }
  long: { kind: task, schedule: "0 0 29 2 *", command: [sleep, "600"] }
  behind: { kind: task, schedule: "0 0 29 2 *", command: ["true"], dependsOn: { once: completed } }
  once: { kind: task, command: ["false"] }
`)
  await gatehouse?.waitFor({ process: 'once', level: 'error' })
  const good = await verb(['start', 'good', file])
  expect(good).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^good completed after \d+ms\n$/) })
  const bad = await verb(['start', 'bad', file])
  expect(bad).toMatchObject({ code: 42, stdout: '' })
  expect(bad.stderr).toMatch(/^bad failed: exited with code 42 after \d+ms\n$/)
  expect(await verb(['start', 'long', file, '--no-wait'])).toMatchObject({ code: 0, stdout: 'long has been started\n' })
  const refusals = [
    ['long', 3, 'gatehouse: long was not started: its last run has not ended (running)\n'],
    ['behind', 3, 'gatehouse: behind was not started: it needs once\n'],
    ['goood', 2, 'gatehouse: there is no process goood; did you mean good?\n'],
  ] as const
  for (const [name, code, stderr] of refusals) {
    expect(await verb(['start', name, file])).toMatchObject({ code, stderr, stdout: '' })
  }
  expect(await verb(['start', 'web', file])).toMatchObject({ code: 0, stderr: '', stdout: 'web is ready already\n' })
  const { stdout } = await verb(['status', file])
  const words = stdout.replaceAll(/\s+/g, ' ')
  expect(words).toMatch(
    / bad exited .* exited with code 42 after \d+ms; that was \S+ ago; next run in \d+d[^,]*, at 20..-02-29T/,
  )
  await gatehouse?.stop()
  expect(await verb(['start', 'good', file, '--socket', '/no/such/socket'])).toMatchObject({ code: 4 })
  expect(ready).toBeDefined()
})

test('gatehouse start revives a fatal service, waits until it is ready or says why not, and what waits for it starts', async () => {
  const { folder, file, waitFor, lines } = start(`
processes:
  core: { command: [sh, -c, "test -e fixed && exec sleep 600; echo no database >&2; exit 9"], ready: { exec: [test, -e, fixed] }, restart: { backoff: { next: 10ms }, giveUp: { failures: 2 } } }
  api: { command: [sleep, "600"], dependsOn: { core: ready } }
`)
  await waitFor({ process: 'core', level: 'error', message: /^fatal: it failed 2 times/ })
  const vain = await verb(['start', 'core', file])
  expect(vain).toMatchObject({ code: 9, stdout: '' })
  expect(vain.stderr).toMatch(/^core failed: it failed 2 times within 1m; the last time it exited with code 9 after/)
  expect(await verb(['start', 'api', file])).toMatchObject({
    code: 3,
    stderr: 'gatehouse: api was not started: it needs core, which failed or has ended; start that first\n',
  })
  expect(await verb(['start', 'coer', file])).toMatchObject({
    code: 2,
    stderr: 'gatehouse: there is no process coer; did you mean core?\n',
  })
  writeFileSync(join(folder, 'fixed'), '')
  const after = lines.length
  const revived = await verb(['start', 'core', file])
  expect(revived).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^core is ready after \d+ms\n$/) })
  await waitFor({ process: 'api', ready: true }, { after })
})

test('SIGHUP revives what is fatal with an unchanged file, and says so', async () => {
  const { folder, waitFor, signal, lines } = start(`
processes:
  core: { command: [sh, -c, "test -e fixed && exec sleep 600; exit 9"], restart: { backoff: { next: 10ms }, giveUp: { failures: 2 } } }
  migrate: { kind: task, command: [test, -e, fixed] }
  nightly: { kind: task, schedule: "0 0 29 2 *", command: ["false"] }
  api: { command: [sleep, "600"], dependsOn: { core: ready, migrate: completed } }
`)
  await waitFor({ process: 'core', level: 'error' })
  await waitFor({ process: 'migrate', level: 'error' })
  writeFileSync(join(folder, 'fixed'), '')
  const after = lines.length
  signal('SIGHUP')
  const done = await waitFor({ reload: 'done' }, { after })
  expect(done).toMatchObject({ restarted: [], unchanged: expect.arrayContaining(['core', 'api']) })
  expect(done.revived).toEqual(expect.arrayContaining(['core', 'migrate']))
  expect(done.revived).toHaveLength(2)
  await waitFor({ process: 'core', message: 'starting again; its earlier failures no longer count' }, { after })
  await waitFor({ process: 'api', ready: true }, { after })
})

test('hooks run for the end of an essential process before gatehouse ends', async () => {
  const bodies: unknown[] = []
  const server = createServer(async (request, response) => {
    bodies.push(await json(request))
    response.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const { exit, lines } = start(`
processes:
  core:
    command: [sh, -c, exit 7]
    essential: true
    restart: { backoff: { next: 10ms }, giveUp: { failures: 2 } }
hooks:
  - { on: [backoff, fatal], run: [sh, -c, 'sleep 0.3; echo "$GATEHOUSE_EVENT_PROCESS $GATEHOUSE_EVENT_MESSAGE"'] }
  - { on: essential-failed, url: "http://127.0.0.1:${port}/secret-path" }
`)
  expect(await exit).toEqual({ code: 7, signal: null })
  const said = lines.filter(({ process }) => process === 'hook').map(({ message }) => message)
  expect(said).toEqual([
    expect.stringMatching(/^core exited with code 7 after .*; restarting$/),
    expect.stringMatching(/^core is fatal: it failed 2 times within 1m; the last time it exited with code 7/),
  ])
  expect(bodies).toEqual([
    expect.objectContaining({ type: 'essential-failed', process: 'core', exitCode: 7, host: expect.any(String) }),
  ])
  expect(JSON.stringify(lines)).not.toContain('secret-path')
})

test('a hook that hangs does not keep gatehouse from ending', async () => {
  const { ready, stop } = start(`
processes:
  web: { command: [sleep, "600"] }
hooks:
  - { on: ready, run: [sleep, "600"], timeout: 10m }
shutdown: { budget: 2s }
`)
  await ready()
  const before = performance.now()
  expect(await stop()).toEqual({ code: 0, signal: null })
  expect(performance.now() - before).toBeLessThan(8_000)
  gatehouse = undefined
})
