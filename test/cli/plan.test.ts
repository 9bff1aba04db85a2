/** What `gatehouse plan` says of a file. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { describePlan } from '../../src/cli/plan/plan.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

function described(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-plan-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, text)
  const { plan, diagnostics } = readPlan(file, { SECRET: 'hunter2' })
  if (!plan) throw new Error(JSON.stringify(diagnostics))
  return describePlan(plan)
}

test('routes are shown with their listeners and guards', () => {
  const shown = described(`
users: { admin: { password: "\${SECRET}" } }
gateway:
  listeners: { http: ":8080", inner: "127.0.0.1:8081" }
  deny: 192.0.2.7
  routes:
    - { path: /admin, listener: inner, auth: { basic: admin }, allow: loopback, respond: {} }
    - { path: /ask, auth: { forward: "http://127.0.0.1:9/verify?key=\${SECRET}" }, respond: {} }
    - { path: /slow, rateLimit: { requests: 10, window: 1m, by: { header: X-Key } }, limits: { requestBody: 1MB }, respond: {} }
    - respond: {}
`)
  expect(shown).toMatch(
    /1\. {2}\/admin.* line 7 +on inner {2}auth: admin; not 192\.0\.2\.7\/32; only 127\.0\.0\.0\/8, ::1\/128\n/,
  )
  expect(shown).toMatch(/2\. {2}\/ask.* auth: asks http:\/\/127\.0\.0\.1:9; not /)
  expect(shown).toMatch(/3\. .*10 requests in 1m for each header x-key; bodies up to 1 MB\n/)
  expect(shown).toMatch(/4\. .* line 10 +not 192\.0\.2\.7\/32\n/)
  expect(shown).not.toContain('hunter2')
})

test('processes are shown with their schedules, and arguments that are empty or have blanks', () => {
  const shown = described(`
processes:
  nightly: { kind: task, schedule: { cron: "0 3 * * *", timezone: Europe/Berlin }, command: [/bin/sh, -c, "", "a b", "it's"] }
`)
  expect(shown).toContain("/bin/sh -c '' 'a b' 'it'\\''s'")
  expect(shown).toContain('task; at 0 3 * * * in Europe/Berlin')
})
