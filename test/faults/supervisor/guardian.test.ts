/** Gatehouse was killed and is not started again: its guardian ends what it ran. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { type Gatehouse, startGatehouse } from '../../e2e/support/gatehouse.ts'
import { isRunning, runningProcesses } from '../../e2e/support/processes.ts'
import { guardiansOf, hardToEnd, until } from './killed-support.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

const config = `
control: { socket: control.sock }
processes:
  database:
    # Takes a moment to close its files, and says so in one of them.
    command: [node, -e, "process.on('SIGTERM', () => setTimeout(close, 300)); function close() { fs.writeFileSync('closed', 'closed'); process.exit() } setInterval(() => {}, 1000); console.log('up')"]
    ready: { log: "^up$" }
    criticality: critical
${hardToEnd}`

function left(groups: readonly number[]): readonly string[] {
  return runningProcesses().flatMap(({ group, command }) => (groups.includes(group) ? [command] : []))
}

describe('a Gatehouse that is not started again', () => {
  it.each(['SIGKILL', 'SIGSEGV', 'SIGBUS', 'SIGTRAP'] as const)(
    'after %s: all that it ran is ended, the database in its own way',
    async (signal) => {
      gatehouse = startGatehouse({ config })
      const running = gatehouse
      await running.ready()
      const groups = ['database', 'stubborn', 'orphaning'].map((name) => running.pidOf(name))
      expect(left(groups).length).toBeGreaterThan(4)
      running.signal(signal)
      expect((await running.exit).signal).toBe(signal)
      await until(() => left(groups).length === 0)
      expect(readFileSync(join(running.folder, 'closed'), 'utf8')).toBe('closed')
      await until(() => guardiansOf(running).length === 0)
    },
  )

  it('after an end in order: no guardian is left, and none was started for nothing', async () => {
    gatehouse = startGatehouse({ config: `${config}  idle: { command: [sleep, "600"] }\n` })
    const running = gatehouse
    await running.ready()
    expect(guardiansOf(running)).toHaveLength(1)
    running.signal('SIGTERM')
    expect(await running.exit).toEqual({ code: 0, signal: null })
    await until(() => guardiansOf(running).length === 0)
    expect(existsSync(join(running.folder, 'closed'))).toBe(true)
  })

  it('after its guardian was killed: it has another one', async () => {
    gatehouse = startGatehouse({
      config: 'control: { socket: control.sock }\nprocesses: { one: { command: [sleep, "600"] } }\n',
    })
    const running = gatehouse
    await running.ready()
    const [first] = guardiansOf(running)
    if (first === undefined) throw new Error('it has no guardian')
    process.kill(first, 'SIGKILL')
    await until(() => guardiansOf(running).some((pid) => pid !== first))
    running.signal('SIGKILL')
    await running.exit
    await until(() => !isRunning(running.pidOf('one')))
  })
})
