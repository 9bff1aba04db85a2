/** The soft limit of open files that Gatehouse was started with is its programs' too, while its own is raised. The built binary. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { unusedId } from '../support/unused-id.ts'
import { binary, startGatehouse } from './support/gatehouse.ts'

const tell = 'echo $(ulimit -Sn) $(ulimit -Hn)'

const uid = process.geteuid?.() === 0 ? String(await unusedId()) : String(process.geteuid?.())

const config = `
control: { socket: control.sock }
storage: ./storage
hooks:
  - { on: completed, processes: task, run: [sh, -c, '${tell} >hook'] }
processes:
  task: { kind: task, command: [sh, -c, '${tell}'] }
  service: { command: [sh, -c, '${tell}; exec sleep 600'], nice: 19 }
  probed: { command: [sleep, "600"], ready: { exec: [sh, -c, '${tell} >probe'] } }
  limited: { kind: task, command: [sh, -c, '${tell}'], limits: { openFiles: { soft: 300, hard: 400 } } }
  other: { kind: task, command: [sh, -c, '${tell}; id -u'], directory: /, limits: { coreSize: 0 }, USER }
`.replace('USER', process.geteuid?.() === 0 ? `user: "${uid}:${uid}"` : 'umask: "0077"')

it.each([
  [1_024, 4_096],
  [777, 4_096],
  [2_048, 3_000],
  [512, 512],
])(
  'started with %d of %d: so are its programs, probes and hooks, unless `limits` says otherwise',
  async (soft, hard) => {
    const limiting = ['/bin/bash', '-c', `ulimit -Sn ${soft}; ulimit -Hn ${hard}; exec "$@"`, 'bash']
    const gatehouse = startGatehouse({ command: [...limiting, ...binary], config })
    try {
      await gatehouse.ready()
      const said = (name: string) =>
        gatehouse.lines.filter(({ process, stream }) => process === name && stream).map(({ message }) => message)
      const written = (name: string) => {
        const path = join(gatehouse.folder, name)
        return existsSync(path) ? readFileSync(path, 'utf8') : undefined
      }
      const given = `${soft} ${hard}`
      expect([said('task'), said('service'), said('limited'), said('other')]).toEqual([
        [given],
        [given],
        ['300 400'],
        [given, uid],
      ])
      expect(written('probe')).toBe(`${given}\n`)
      await expect.poll(() => written('hook'), { timeout: 10_000 }).toBe(`${given}\n`)
      const own = readFileSync(`/proc/${gatehouse.pid}/limits`, 'utf8')
      expect(/^Max open files +(\d+) +(\d+)/m.exec(own)?.slice(1)).toEqual([String(hard), String(hard)])
    } finally {
      await gatehouse.stop()
    }
  },
)
