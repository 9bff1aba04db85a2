/** Files that Gatehouse was given open: none of them reaches what it starts. The whole program, from its sources. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { binary, startGatehouse } from './support/gatehouse.ts'

/** The shell's own, listed by a program that it starts; a pipeline would add its pipe. */
const list = 'ls /proc/$$/fd'

const config = `
control: { socket: control.sock }
storage: ./storage
hooks:
  - { on: completed, processes: task, run: [sh, -c, 'exec >hook; ${list}'] }
processes:
  task: { kind: task, command: [sh, -c, '${list}; exit 0'] }
  service:
    command: [sh, -c, '${list}; echo >&9; exec sleep 600']
    ready: { fd: 9 }
  probed:
    command: [sleep, "600"]
    ready: { exec: [sh, -c, 'exec >probe; ${list}; exit 0'] }
`

it('descriptors that Gatehouse inherits do not reach its programs, probes and hooks', async () => {
  // Far apart: libuv looks at the first sixteen, and goes on until the first gap.
  const inheriting = [
    '/bin/bash',
    '-c',
    'exec 9</etc/passwd 20</etc/passwd 63</etc/passwd 200</etc/passwd; exec "$@"',
    'bash',
  ]
  const gatehouse = startGatehouse({ command: [...inheriting, ...binary], config })
  try {
    await gatehouse.ready()
    const said = (name: string) =>
      gatehouse.lines.filter(({ process, stream }) => process === name && stream).map(({ message }) => message)
    expect(said('task')).toEqual(['0', '1', '2'])
    expect(said('service')).toEqual(['0', '1', '2', '9'])
    const written = (name: string) => {
      const path = join(gatehouse.folder, name)
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined
    }
    expect(written('probe')).toBe('0\n1\n2\n')
    await expect.poll(() => written('hook'), { timeout: 10_000 }).toBe('0\n1\n2\n')
  } finally {
    await gatehouse.stop()
  }
})
