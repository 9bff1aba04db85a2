/** Of several who start at once one runs, whatever they share: threads listen with SO_REUSEPORT, so the kernel would let all of them. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { freePorts } from './support/free-ports.ts'
import { type Gatehouse, startGatehouse } from './support/gatehouse.ts'
import { claimingConfig, expectOneToRun } from './support/simultaneous.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-simultaneous-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const count = 8

it('eight starts with different sockets and one port: one serves, the others name who has it', async () => {
  const [port] = await freePorts(1)
  // All of them would answer on 127.0.0.1.
  const hosts = ['127.0.0.1', '0.0.0.0', '']
  const configs = Array.from({ length: count }, (_, index) =>
    claimingConfig({ port, socket: './control.sock', host: hosts[index % hosts.length] as string }),
  )
  await expectOneToRun(configs, new RegExp(`cannot listen on [\\d.]*:${port}: another gatehouse \\(pid \\d+\\) has`))
}, 60_000)

it('eight starts with one socket and different ports: one runs, and none ends its child', async () => {
  const socket = join(folder, 'one.sock')
  const storage = join(folder, 'storage')
  const ports = await freePorts(count)
  const configs = ports.map((port) => claimingConfig({ port, socket, storage }))
  await expectOneToRun(
    configs,
    /a gatehouse is already running on .+one\.sock|gatehouse \(pid \d+\) (has locked|does not listen on) .+one\.sock/,
  )
}, 60_000)

it('two with one storage and nothing else in common both run: replicas share it, and have one root', async () => {
  const storage = join(folder, 'shared')
  const certificates = 'certificates: [{ domains: [localhost], use: [internal: {}] }]\n'
  const ports = await freePorts(2)
  const both: Gatehouse[] = ports.map((port) =>
    startGatehouse({ config: claimingConfig({ port, socket: './control.sock', storage }) + certificates }),
  )
  try {
    await Promise.all(both.map((one) => one.ready()))
    const made = both.flatMap(({ lines }) =>
      lines.filter(({ message }) => message.includes('created a new internal CA')),
    )
    expect(made).toHaveLength(1)
  } finally {
    await Promise.all(both.map((one) => one.stop()))
  }
}, 60_000)
