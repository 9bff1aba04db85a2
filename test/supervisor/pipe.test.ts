import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openPipes } from '../../src/supervisor/pipe.ts'
import { spawnGroup } from '../../src/supervisor/spawn.ts'
import { foreman, never, planFor } from './foreman.ts'

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
  it('can be opened by name: what is written to /dev/stdout and /dev/stderr is heard', async () => {
    const command = ['sh', '-c', 'echo to stdout > /dev/stdout; echo to stderr > /dev/stderr']
    const { supervisor, lines, untilState } = foreman([planFor('talker', { kind: 'task', command, restart: never })])
    supervisor.start()
    await untilState('talker', 'exited')
    const heard = lines.map(({ stream, text }) => `${stream}: ${text}`)
    expect(heard.sort()).toEqual(['stderr: to stderr', 'stdout: to stdout'])
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
    expect(openPipes(() => false)).toBeUndefined()
    expect(openPipes(() => true)).toBeUndefined()
    expect(descriptors()).toBe(before)
    expect(readdirSync(folder)).toEqual([])
  })
})
