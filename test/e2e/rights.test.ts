/** Users, masks and limits out of a config file, with the whole program. */
import { afterEach, describe, expect, it } from 'vitest'
import { unusedId } from '../support/unused-id.ts'
import { type Gatehouse, startGatehouse } from './support/gatehouse.ts'

let gatehouse: Gatehouse | undefined

afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

const account =
  'id -un; id -G; umask; echo HOME=$HOME USER=$USER LOGNAME=$LOGNAME; ulimit -Sn; ulimit -Hn; ulimit -c; nice'

describe.runIf(process.geteuid?.() === 0)('a file that asks for other rights', () => {
  it('has each of them come to the program; the next one has none of it', async () => {
    const id = await unusedId()
    gatehouse = startGatehouse({
      env: { USER: 'root', LOGNAME: 'root' },
      config: `
control: { socket: control.sock }
processes:
  other:
    kind: task
    command: [sh, -c, "${account}"]
    directory: /
    user: daemon:bin
    groups: [adm, ${id}]
    umask: "0027"
    nice: 3
    limits: { openFiles: { soft: 100, hard: 200 }, coreSize: 0 }
  own: { kind: task, dependsOn: { other: completed }, command: [sh, -c, "id -un; echo HOME=$HOME"] }
`,
    })
    await gatehouse.ready()
    const said = (name: string) =>
      gatehouse?.lines.filter(({ process, stream }) => process === name && stream).map(({ message }) => message)
    expect(said('other')).toEqual([
      'daemon',
      `2 4 ${id}`,
      '0027',
      'HOME=/usr/sbin USER=daemon LOGNAME=daemon',
      '100',
      '200',
      '0',
      '3',
    ])
    expect(said('own')).toEqual(['root', `HOME=${gatehouse.folder}`])
  })

  it('for a user that is not there is warned of at once, and that process alone is fatal', async () => {
    gatehouse = startGatehouse({
      config: `
control: { socket: control.sock }
processes:
  other: { command: [sleep, "600"], user: no-such-user }
  own: { command: [sleep, "600"] }
`,
    })
    const { reason } = await gatehouse.waitFor({ process: 'other', state: 'fatal' })
    expect(reason).toBe('user: there is no user no-such-user in /etc/passwd; create it, or name another')
    await gatehouse.waitFor({ process: 'own', state: 'running' })
    expect(gatehouse.stderr).toContain(
      'gatehouse.yaml:4:43: warning: `no-such-user` names a user that does not exist on this machine',
    )
  })
})
