import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readPlanInThread } from '../../src/app/reload/read-in-thread.ts'

// Attached later, while a thread ended, it ended Gatehouse with SIGSEGV.
test('the inspector is attached before the first thread, whichever that is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-worker-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, 'processes: { first: { command: [a] } }')
  const order: string[] = []
  const { post } = Session.prototype
  vi.spyOn(Session.prototype, 'post').mockImplementation(function (this: Session, ...words: unknown[]) {
    order.push(String(words[0]))
    Reflect.apply(post, this, words)
  })
  const started = () => order.push('thread')
  subscribe('worker_threads', started)
  onTestFinished(() => void unsubscribe('worker_threads', started))
  await readPlanInThread({ file, env: {}, create: false })
  await readPlanInThread({ file, env: {}, create: false })
  expect(order).toEqual(['NodeWorker.enable', 'thread', 'thread'])
})
