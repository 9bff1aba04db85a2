import { expect, test } from 'vitest'
import type { ProcessStatus } from '../../src/control/contract/contract.ts'
import { dashboardPage } from '../../src/control/dashboard/page.ts'
import { sampleStatus } from './fixture.ts'

const now = sampleStatus.startedAt + sampleStatus.uptime
const [sample] = sampleStatus.processes

function page(process: Partial<ProcessStatus>): string {
  if (!sample) throw new Error('the sample has no process')
  return dashboardPage({ ...sampleStatus, processes: [{ ...sample, ...process }] }, now)
}

test('what a program wrote is text, whatever it looks like', () => {
  const reason = `<script>alert("it's & <b>")</script>`
  const html = page({ state: 'fatal', ready: false, reason })
  expect(html).not.toContain('<script')
  expect(html).toContain('&lt;script&gt;alert(&quot;it&#39;s &amp; &lt;b&gt;&quot;)&lt;/script&gt;')
})

test('a backup is shown as `gatehouse status` shows it', () => {
  const backup = { files: 4, size: 336_000_000, overdue: true, shrunk: false }
  const newest = { at: Date.now() - 7_200_000, size: 84_000_000 }
  const html = page({ kind: 'task', state: 'exited', schedule: { cron: '0 3 * * *' }, backup: { ...backup, newest } })
  expect(html).toMatch(/last backup 2h ago, 84 MB \(4 kept\); overdue/)
})

test('what failed is marked, what is on its way is not', () => {
  const marked = (process: Partial<ProcessStatus>) => page(process).includes('<tr class="wrong">')
  expect(marked({ state: 'fatal', ready: false })).toBe(true)
  expect(marked({ kind: 'task', state: 'exited', exit: { code: 3, signal: null } })).toBe(true)
  expect(marked({ kind: 'task', state: 'exited', exit: { code: 0, signal: null } })).toBe(false)
  const onItsWay = { state: 'starting', ready: false, restarts: 0 } as const
  expect(marked(onItsWay)).toBe(false)
  expect(page(onItsWay)).not.toContain('<h1 class="wrong">')
})
