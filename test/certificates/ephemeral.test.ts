import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { warnIfEphemeral } from '../../src/certificates/ephemeral.ts'
import type { CertificatePlan, CertificateSourcePlan } from '../../src/plan/model/certificates.ts'
import type { Log } from '../../src/shared/log.ts'

const acme: CertificateSourcePlan = {
  kind: 'acme',
  directory: 'https://ca.example/directory',
  challenges: ['http-01'],
  key: 'ecdsa-p256',
}

async function warnings(storage: string, use: readonly CertificateSourcePlan[]): Promise<string[]> {
  const said: string[] = []
  const log: Log = { info: () => {}, error: () => {}, warn: (message) => void said.push(message) }
  const position = { file: 'gatehouse.yaml', line: 1, column: 1 }
  const plans: readonly CertificatePlan[] = ['a.test', 'b.test'].map((name) => ({ domains: [name], use, position }))
  await warnIfEphemeral(plans, storage, log)
  return said
}

test.skipIf(!existsSync('/dev/shm'))(
  'storage on tmpfs is warned of once, where a CA is asked, also before it is made',
  async () => {
    const storage = await mkdtemp('/dev/shm/gatehouse-test-')
    onTestFinished(() => rm(storage, { recursive: true }))
    const [first, ...more] = await warnings(join(storage, 'state'), [{ kind: 'internal' }, acme])
    expect(first).toContain(`the storage ${join(storage, 'state')} is on tmpfs, which is lost with the container`)
    expect(first).toContain('mount a volume there')
    expect(more).toEqual([])
    expect(await warnings(storage, [{ kind: 'internal' }])).toEqual([])
  },
)

test('what cannot be known is not warned of', async () => {
  expect(await warnings('/proc', [acme])).toEqual([])
  expect(await warnings('/etc/passwd/state', [acme])).toEqual([])
})
