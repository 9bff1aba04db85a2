/** Environment files that the first start writes. */
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { unusedId } from '../support/unused-id.ts'
import { binary, runGatehouse, startGatehouse } from './support/gatehouse.ts'

const config = (program: string) => `
environment:
  files: [{ path: made/app.env, create: { APP_SECRET: { random: 24 }, APP_NAME: "the app" } }]
processes:
  app: { command: [sh, -c, '${program}', "\${APP_NAME}"] }
storage: ./storage
control: { socket: ./control.sock }
`
// Secrets belong into no test log either, so the child says only what its secret looks like.
const says = 'echo "$0 has $(printf %s "$APP_SECRET" | wc -c) characters"; exec sleep 60'

it('the first start writes the file, check and plan do not, and a reload writes it again if it is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-created-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'gatehouse.yaml')
  const path = join(folder, 'made/app.env')
  writeFileSync(file, config(says))
  for (const verb of ['check', 'plan']) {
    const { code, stderr } = await runGatehouse([verb, file])
    expect([code, stderr]).toEqual([0, ''])
  }
  expect(existsSync(path)).toBe(false)

  const gatehouse = startGatehouse({ file })
  onTestFinished(async () => void (await gatehouse.stop()))
  await gatehouse.waitFor({ process: 'app', message: /the app has +24 characters/ })
  expect(gatehouse.stderr).toBe('created environment file `made/app.env` with APP_SECRET, APP_NAME\n')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const first = readFileSync(path, 'utf8')
  const pid = gatehouse.pidOf('app')

  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ reload: 'done' })
  expect(readFileSync(path, 'utf8')).toBe(first)
  expect(gatehouse.pidOf('app')).toBe(pid)

  const seen = gatehouse.lines.length
  rmSync(path)
  gatehouse.signal('SIGHUP')
  await gatehouse.waitFor({ message: /^created environment file `made\/app.env`/ }, { after: seen })
  await gatehouse.waitFor({ process: 'app', message: /the app has +24 characters/ }, { after: seen })
  expect(readFileSync(path, 'utf8')).not.toBe(first)
  await gatehouse.stop()
})

it('a folder that may not be written to is reported with its place, and nothing starts', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-created-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  mkdirSync(join(folder, 'made'), { mode: 0o555 })
  const file = join(folder, 'gatehouse.yaml')
  writeFileSync(file, config(says))
  // Root may write everywhere.
  const id = await unusedId()
  const asOther = [`--reuid=${id}`, `--regid=${id}`, '--clear-groups']
  const isRoot = process.getuid?.() === 0
  const command = isRoot ? [found('setpriv'), ...asOther, ...binary] : binary
  const { code, stdout, stderr } = await runGatehouse(['run', file], { command })
  expect(stderr).toBe(
    `${file}:3:19: error: environment file \`made/app.env\` cannot be created: EACCES\n    make its folder writable for Gatehouse, or create the file yourself\n`,
  )
  expect([code, stdout]).toEqual([1, ''])
})

function found(program: string): string {
  return spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim()
}
