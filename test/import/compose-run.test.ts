/** A Compose file, imported and started: the same order, the same variables, the same conditions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { gatehouse } from '../cli/gatehouse-command.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'

const programs = join(projectFolder, 'test/fixtures/programs')

it('services start when those they wait for are healthy or have completed, and the proxy reaches them by their names', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-compose-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [http = 0, port = 0] = await freePorts(2)
  writeFileSync(join(folder, 'Caddyfile'), `http://127.0.0.1:${http} {\n\treverse_proxy web:${port}\n}\n`)
  writeFileSync(join(folder, '.env'), 'GREETING="hello world"\n')
  writeFileSync(
    join(folder, 'compose.yaml'),
    `x-node: &node { restart: unless-stopped, stop_grace_period: 5s }
services:
  web:
    <<: *node
    command: ${process.execPath} ${programs}/answers.js
    environment: { VERSION: "$GREETING, \${WHO:-nobody} for $$5" }
    depends_on:
      migrate: { condition: service_completed_successfully }
      cache: { condition: service_healthy }
  migrate: { command: [sh, -c, "echo migrated $$HOME"], depends_on: [cache] }
  cache:
    <<: *node
    command: sleep infinity
    healthcheck: { test: "test -e ${folder}/.env", interval: 1s, retries: 2 }
  debugger: { command: sleep infinity, profiles: [debug] }
`,
  )
  const output = join(folder, 'gatehouse.yaml')
  const { code, err } = await gatehouse(
    'import',
    join(folder, 'Caddyfile'),
    join(folder, 'compose.yaml'),
    '--output',
    output,
  )
  expect({ code, err }).toMatchObject({ code: 0, err: expect.stringMatching(/; 0 untranslated, /) })

  const running = startGatehouse({ file: withSocket(output), env: { WHO: 'you' } })
  try {
    await running.ready()
    const answer = await fetch(`http://127.0.0.1:${http}/`)
    expect(await answer.text()).toBe('hello world, you for $5')
    const at = (process: string, message: RegExp | string) =>
      running.lines.findIndex((line) => line.process === process && String(line.message).match(message))
    const order = [at('cache', /^started/), at('migrate', `^migrated ${running.folder}$`), at('web', /^started/)]
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    expect(order).not.toContain(-1)
    expect(at('debugger', '')).toBe(-1)
  } finally {
    await running.stop()
  }
})

/** Where a test may have its own. */
function withSocket(file: string): string {
  writeFileSync(file, 'control: { socket: ./control.sock }\nstorage: ./storage\n', { flag: 'a' })
  return file
}
