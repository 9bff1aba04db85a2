import { afterEach, expect, it } from 'vitest'
import { unusedId } from '../support/unused-id.ts'
import { binary, type Gatehouse, startGatehouse } from './support/gatehouse.ts'

let running: Gatehouse | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

it.skipIf(process.getuid?.() !== 0)(
  'sees how the programs of other users ended, also as the root of a container (needs root)',
  async () => {
    const id = await unusedId()
    running = startGatehouse({
      command: ['/usr/bin/setpriv', '--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace', '--', ...binary],
      config: `
processes:
  dies: { kind: task, user: "${id}:${id}", command: [sh, -c, "echo half; kill -34 $$"] }
  ends: { kind: task, user: "${id}:${id}", command: [sh, -c, "echo whole; exit 0"] }
  stays: { command: [sleep, "60"] }
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    await running.waitFor({ process: 'ends', message: /^completed/ })
    const failed = await running.waitFor({ process: 'dies', state: 'exited' })
    expect(failed).toMatchObject({ exit: { code: null, signal: 'SIGRTMIN' } })
  },
)
