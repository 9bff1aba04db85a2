/** The order that priorities make with supervisord, and with us once they are imported. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { gatehouse } from '../cli/gatehouse-command.ts'
import { projectFolder, startGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'

const supervisord = part('supervisord')
const program = join(projectFolder, 'test/fixtures/programs/signs-in-and-out.js')

it.skipIf(!supervisord)(
  'the stop goes backwards through the priorities, waiting for each, as with supervisord',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-order-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const record = join(folder, 'record')
    const conf = join(folder, 'supervisord.conf')
    writeFileSync(conf, configuration(folder))
    const env = { PATH: process.env.PATH ?? '', HOME: folder, RECORD: record }
    const signed = () => (existsSync(record) ? readFileSync(record, 'utf8').trim().split('\n') : [])
    const allStarted = () => vi.waitFor(() => expect(signed()).toHaveLength(3), { timeout: 15_000 })
    // Slow stops must not change the order.
    const backwards = ['-front', '-middle', '-base']

    const child = spawn(supervisord ?? '', ['-n', '-c', conf], { env, stdio: 'ignore' })
    const exited = once(child, 'exit')
    await allStarted().finally(() => child.kill('SIGTERM'))
    await exited
    expect(signed().slice(3)).toEqual(backwards)

    rmSync(record)
    const { code, out } = await gatehouse('import', conf)
    expect(code).toBe(0)
    const running = startGatehouse({ config: `${out}\ncontrol: { socket: ./control.sock }\n`, env })
    await allStarted().finally(() => running.stop())
    expect(signed().slice(3)).toEqual(backwards)
  },
)

function configuration(folder: string): string {
  const section = (name: string, ...lines: readonly string[]) => [
    `[program:${name}]`,
    `command=${process.execPath} ${program} %(ENV_RECORD)s ${name}`,
    'directory=/',
    ...lines,
  ]
  return [
    '[supervisord]',
    `logfile=${folder}/supervisord.log`,
    `pidfile=${folder}/supervisord.pid`,
    `childlogdir=${folder}`,
    ...section('front', 'priority=30', 'environment=SLOW="400"'),
    ...section('base', 'priority=10'),
    ...section('middle', 'priority=20', 'environment=SLOW="200"'),
    '',
  ].join('\n')
}
