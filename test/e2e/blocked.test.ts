/** A task that failed while others wait for it: what an orchestrator and an operator see, and how an essential one ends the run. */
import { afterEach, expect, test } from 'vitest'
import { type Gatehouse, runGatehouse, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

function start(essential: boolean): Gatehouse {
  const config = `
processes:
  migrate: { kind: task, command: [sh, -c, "echo applying 17; echo no such table >&2; exit 7"] }
  api: { command: [sleep, "600"], dependsOn: { migrate: completed } }
  web: { command: [sleep, "600"], dependsOn: { api: ready }, essential: ${essential} }
storage: ./storage
control: { socket: ./control.sock }
`
  gatehouse = startGatehouse({ config })
  return gatehouse
}

test('healthcheck is unhealthy with the cause, rather than starting, and status shows what is blocked', async () => {
  const { waitFor, file } = start(false)
  await waitFor({ process: 'migrate', level: 'error', message: /^exited with code 7 after/ })
  const health = await runGatehouse(['healthcheck', file])
  expect(health.code).toBe(1)
  expect(health.stdout + health.stderr).toMatch(
    /^unhealthy: migrate has ended: exited with code 7 after \d+ms \(its last line: no such table\); blocked by migrate: api, web$/m,
  )
  const { stdout } = await runGatehouse(['status', file])
  expect(stdout).toMatch(/api .*waiting.*blocked by migrate/)
  expect(stdout).toMatch(/web .*waiting.*waiting for api; blocked by migrate/)
})

test('an essential process that waits for it in vain ends the run with the exit code of what failed', async () => {
  const { exit, lines } = start(true)
  expect(await exit).toEqual({ code: 7, signal: null })
  const stopping = lines.find(({ message }) => String(message).startsWith('stopping: '))
  expect(stopping?.message).toMatch(
    /^stopping: the essential process web failed: waits for migrate, which exited with code 7 after/,
  )
})
