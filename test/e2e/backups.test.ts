/** Backups of the whole program: how they are reported, and what a kill leaves. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Gatehouse, runGatehouse, startGatehouse } from './support/gatehouse.ts'

const nextLeapYear = '0 0 29 2 *'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-backups-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

function start(folder: string, script: string, more = ''): Gatehouse {
  const gatehouse = startGatehouse({
    config: `
storage: ./storage
control: { socket: ./control.sock }
metrics: { address: "127.0.0.1:0" }
processes:
  web: { command: [sleep, "600"] }
  backup:
    kind: task
    schedule: "${nextLeapYear}"
    command: [sh, -c, '${script}', sh, "{backup}"]
    backup: { files: ${folder}/db-*.dump${more} }
`,
  })
  onTestFinished(async () => void (await gatehouse.stop().catch(() => {})))
  return gatehouse
}

const verb = (words: readonly string[]) => runGatehouse(words)

async function pageOf({ waitFor }: Gatehouse): Promise<string> {
  const { url } = await waitFor({ message: 'metrics' })
  return (await fetch(String(url))).text()
}

test('status, metrics and health report the newest backup, and warn when the next run fails', async () => {
  const folder = newFolder()
  const gatehouse = start(folder, `test ! -e ${folder}/broken && printf 12345 >"$1"`, ', keep: 2')
  const { file, waitFor, ready } = gatehouse
  await ready()
  // There is none yet: the first is made at the start.
  await waitFor({ process: 'backup', message: /^completed/ })
  expect(await verb(['start', 'backup', file])).toMatchObject({ code: 0 })
  const { stdout } = await verb(['status', file])
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/last backup \S+ ago, 5 B \(2 kept\)/)
  const page = await pageOf(gatehouse)
  const seconds = Number(/^gatehouse_backup_last_success_timestamp_seconds\{process="backup"\} (\S+)$/m.exec(page)?.[1])
  expect(Math.abs(Date.now() / 1_000 - seconds)).toBeLessThan(60)
  for (const line of ['last_success_size_bytes', 'size_bytes', 'files', 'overdue'].map(
    (name) => `gatehouse_backup_${name}`,
  ))
    expect(page).toMatch(new RegExp(`^${line}\\{process="backup"\\} \\d+$`, 'm'))
  expect(page).toContain('gatehouse_backup_overdue{process="backup"} 0\n')
  expect(await verb(['healthcheck', file])).toMatchObject({ code: 0, stdout: 'healthy\n' })

  writeFileSync(join(folder, 'broken'), '')
  expect(await verb(['start', 'backup', file])).toMatchObject({ code: 1 })
  expect(await verb(['healthcheck', file])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^healthy \(warning: the last run of backup failed: exited with code 1 after \S+\)\n$/,
    ),
  })
  expect(readdirSync(folder).filter((name) => name.endsWith('.dump'))).toHaveLength(2)
})

test('a kill of everybody in the middle leaves no half of a backup, and the next start says that it did not succeed', async () => {
  const folder = newFolder()
  const script = 'echo half >"$1"; echo begun; exec sleep 600'
  const killed = start(folder, script)
  await killed.waitFor({ process: 'backup', message: 'begun' })
  killed.signal('SIGKILL')
  await killed.exit
  for (const { pid } of killed.survivors()) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {} // the guardian was faster
  }

  const { file, ready } = start(folder, 'echo whole >"$1"')
  await ready()
  const health = await verb(['healthcheck', file])
  expect(health).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^healthy \(warning: the last run of backup, \S+ ago, did not succeed\)\n$/),
  })
  expect(readdirSync(folder)).toEqual(['.db-.dump.unfinished'])
  expect(await verb(['start', 'backup', file])).toMatchObject({ code: 0 })
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/^db-.*Z\.dump$/)])
  expect(await verb(['healthcheck', file])).toMatchObject({ code: 0, stdout: 'healthy\n' })
})
