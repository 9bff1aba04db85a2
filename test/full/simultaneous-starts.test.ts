/** The race of test/e2e/simultaneous-starts.test.ts again and again: it was lost once in eight starts with one socket. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { freePorts } from '../e2e/support/free-ports.ts'
import { claimingConfig, expectOneToRun } from '../e2e/support/simultaneous.ts'

const rounds = 10
const count = 8

it('of eight simultaneous starts one runs, ten times, whatever they share', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-simultaneous-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const [port] = await freePorts(1)
  const storage = join(folder, 'storage')
  for (let round = 0; round < rounds; round += 1) {
    const socket = join(folder, `${round}.sock`)
    const ports = await freePorts(count)
    await expectOneToRun(Array(count).fill(claimingConfig({ port, socket: './own.sock' })), /has this port/)
    await expectOneToRun(Array(count).fill(claimingConfig({ port, socket: './own.sock', storage })), /has this port/)
    await expectOneToRun(
      ports.map((own) => claimingConfig({ port: own, socket })),
      /gatehouse .+\.sock/,
    )
    await expectOneToRun(Array(count).fill(claimingConfig({ port, socket, storage })), /gatehouse .+\.sock/)
  }
  expect.hasAssertions()
}, 600_000)
