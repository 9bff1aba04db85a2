/** Our own stdout and stderr, unread: whatever they are, nothing else waits. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readStatus } from '../../../src/control/client/client.ts'
import { binary, compileCache } from '../../e2e/support/gatehouse.ts'
import { unusedId } from '../../support/unused-id.ts'

const id = `${await unusedId()}`
const asOtherUser = ['setpriv', '--reuid', id, '--regid', id, '--clear-groups']

/** Node has no such sockets. The reader's queue holds ten (unix(7), max_dgram_qlen). */
const toDatagrams =
  'socketpair(A, B, AF_UNIX, SOCK_DGRAM, PF_UNSPEC) && open(STDOUT, ">&", A) && open(STDERR, ">&", A) && system("sh", "-c", $ARGV[0])'

/** What stdout and stderr of a shell command may be. The other end of the pipe is ours, and never read. */
const places: Readonly<Record<string, { wrap(command: string): readonly string[]; user?: readonly string[] }>> = {
  'a pipe': { wrap: (command) => ['sh', '-c', command] },
  'a named pipe': { wrap: (command) => ['sh', '-c', `mkfifo fifo && exec 3<>fifo && { ${command}; } >fifo 2>&1`] },
  'a socket for datagrams': { wrap: (command) => ['perl', '-MSocket', '-e', toDatagrams, command] },
  'a terminal': { wrap: (command) => ['script', '-qfc', command, '/dev/null'] },
  'a terminal of another user': { wrap: (command) => ['script', '-qfc', command, '/dev/null'], user: asOtherUser },
}

interface Stalled {
  readonly folder: string
  /** The exit code of the program, as a shell says it. */
  code(): Promise<number>
}

function start(place: string, folder: string, words: readonly string[]): Stalled {
  const { wrap, user = [] } = places[place] ?? { wrap: () => [] }
  const command = [...user, ...words].map((word) => `'${word}'`).join(' ')
  const [program = '', ...rest] = wrap(`${command} 2>&1; echo $? > ended`)
  const above = spawn(program, rest, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...compileCache },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(above, 'exit')
  onTestFinished(async () => {
    above.kill('SIGKILL')
    await gone
  })
  return { folder, code: async () => Number(await textOf(join(folder, 'ended'))) }
}

/** Polls until the file has appeared. */
async function textOf(path: string, other = ''): Promise<string> {
  for (;;) {
    const text = existsSync(path) ? readFileSync(path, 'utf8') : ''
    if (text.endsWith('\n') && text !== other) return text
    await sleep(20)
  }
}

function possible(place: string): boolean {
  const [program = '', ...words] = [...(places[place]?.user ?? []), process.execPath, '--version']
  return spawnSync(program, words).status === 0
}

function ownFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-stalled-'))
  chmodSync(folder, 0o1777)
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe.each(Object.keys(places))('stdout and stderr are %s that is not read', (place) => {
  it('supervision, the control socket and the shutdown work', async (test) => {
    if (!possible(place)) test.skip('only root can become another user, who must be able to read the sources')
    const folder = ownFolder()
    const file = join(folder, 'gatehouse.yaml')
    // More than a pipe and a terminal hold together.
    const flood = `i=0; while [ $i -lt 500 ]; do i=$((i+1)); echo ${'x'.repeat(1_000)}; done; exec sleep 600`
    writeFileSync(
      file,
      `storage: ./storage
control: { socket: ./control.sock }
processes:
  chatty: { command: [sh, -c, '${flood}'] }
  mortal: { command: [sh, -c, 'echo $$ > ${folder}/mortal; exec sleep 600'], dependsOn: { chatty: started } }
`,
    )
    const { code } = start(place, folder, [...binary, 'run', file])
    const first = await textOf(join(folder, 'mortal'))
    process.kill(Number(first), 'SIGKILL')
    await textOf(join(folder, 'mortal'), first)
    const { pid } = await readStatus(join(folder, 'control.sock'), 5_000)
    process.kill(pid, 'SIGTERM')
    const asked = performance.now()
    expect(await code()).toBe(0)
    expect(performance.now() - asked).toBeLessThan(10_000)
  })
})

describe('a terminal that is not read', () => {
  it.for(['a terminal', 'a terminal of another user'])(
    '%s: what threads and console print, and warnings of Node, hold nothing up',
    async (place, { skip }) => {
      if (!possible(place)) skip('only root can become another user, who must be able to read the sources')
      const { code } = start(place, ownFolder(), [
        process.execPath,
        join(import.meta.dirname, '../../telemetry/printer.ts'),
      ])
      expect(await code()).toBe(3)
    },
  )
})
