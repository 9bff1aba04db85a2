import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openPipes } from '../../src/supervisor/spawn/pipe.ts'
import { spawnGroup } from '../../src/supervisor/spawn/spawn.ts'
import { binary, startGatehouse } from '../e2e/support/gatehouse.ts'
import { never, planFor, testSupervisor } from './test-supervisor.ts'

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

/** A place for temporary files of this test alone: others make and remove theirs at the same time. */
function ownTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pipes-'))
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  })
  return folder
}

describe('the pipes of a child', () => {
  it('can be opened by name: what is written to /dev/stdout and /dev/stderr is logged', async () => {
    const command = ['sh', '-c', 'echo to stdout > /dev/stdout; echo to stderr > /dev/stderr']
    const { supervisor, lines, untilState } = testSupervisor([
      planFor('talker', { kind: 'task', command, restart: never }),
    ])
    supervisor.start()
    await untilState('talker', 'exited')
    const received = lines.map(({ stream, text }) => `${stream}: ${text}`)
    expect(received.sort()).toEqual(['stderr: to stderr', 'stdout: to stdout'])
  })

  it('are made elsewhere where there is no place for temporary files', async () => {
    vi.stubEnv('TMPDIR', '/nowhere')
    onTestFinished(() => void vi.unstubAllEnvs())
    const command = ['sh', '-c', 'echo to stdout > /dev/stdout']
    const plan = planFor('talker', { kind: 'task', command, directory: '/', restart: never })
    const { supervisor, lines, untilState } = testSupervisor([plan])
    supervisor.start()
    await untilState('talker', 'exited')
    expect(lines.map(({ text }) => text)).toEqual(['to stdout'])
  })

  it('leave no name behind, and no descriptor when the program could not be started', async () => {
    const folder = ownTemporaryFolder()
    const before = descriptors()
    for (let i = 0; i < 20; i += 1) {
      const spawned = spawnGroup({ command: ['/nowhere/program'], directory: '/', environment: {} }, 'piped')
      expect('failed' in spawned && (await spawned.failed).exitCode).toBe(127)
    }
    await expect.poll(descriptors).toBe(before)
    expect(readdirSync(folder)).toEqual([])
  })

  it('are not there, and nothing is left open, where named pipes cannot be made', () => {
    const folder = ownTemporaryFolder()
    const before = descriptors()
    const reason = `${folder} (mkfifo failed or is missing), /dev/shm (mkfifo failed or is missing)`
    expect(openPipes(() => false)).toEqual({ reason })
    expect(openPipes(() => true)).toEqual({ reason: `${folder} (ENOENT), /dev/shm (ENOENT)` })
    expect(descriptors()).toBe(before)
    expect(readdirSync(folder)).toEqual([])
  })

  it('are missing by name where they cannot be created: programs run, and one warning says what will fail', async (test) => {
    const sealed = 'mount -t tmpfs -o ro none /dev/shm && exec "$0" "$@"'
    if (spawnSync('unshare', ['-m', 'sh', '-c', sealed, 'true']).status !== 0) test.skip('nothing may be mounted here')
    const talker =
      "{ kind: task, command: [sh, -c, 'echo said; echo by name >/dev/stdout'], directory: /, restart: never }"
    const gatehouse = startGatehouse({
      config: `storage: ./storage\ncontrol: { socket: ./control.sock }\nprocesses:\n  one: ${talker}\n  two: ${talker}\n`,
      command: ['/usr/bin/unshare', '-m', 'sh', '-c', sealed, ...binary],
      env: { TMPDIR: '/nowhere' },
    })
    onTestFinished(() => gatehouse.stop().then(() => {}))
    for (const process of ['one', 'two']) await gatehouse.waitFor({ process, stream: 'stdout', message: 'said' })
    const warnings = gatehouse.lines.filter(({ message }) =>
      /\/dev\/stdout.*ENXIO.*\/nowhere \(ENOENT\), \/dev\/shm \(EROFS\)/.test(message),
    )
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ level: 'warn' })
  })
})
