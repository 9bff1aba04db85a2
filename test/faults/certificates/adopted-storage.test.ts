/** What certbot and Caddy left on disk, in the shape in which they keep it, and what they renew there while we serve it. */
import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createCertificates } from '../../../src/certificates/maintain.ts'
import type { CertificateSourcePlan } from '../../../src/plan/model/plan.ts'
import { certificatePlan, recordedLog, temporaryFolder } from '../../certificates/fixture.ts'
import { type MadeCertificate, makeCertificate } from '../../certificates/make-certificate.ts'

const day = 86_400_000

async function certificatesFrom(source: CertificateSourcePlan, domain: string) {
  const log = recordedLog()
  const plans = [certificatePlan([domain], source, { kind: 'internal' })]
  const presenter = { present: async () => {}, withdraw: async () => {} }
  const storage = await temporaryFolder()
  const certificates = createCertificates({ plans, storage, log, presenter, runDnsHook: async () => {} })
  onTestFinished(() => certificates.close())
  return {
    log,
    load: async () => (await certificates.load())[0],
    describe: () => certificates.describe()[0],
  }
}

/** As certbot renews: new files in `archive/` with the next number, then each link of `live/` is put in place. */
async function certbotRenewal(etc: string, name: string, { certificate, key }: MadeCertificate, number: number) {
  const archive = join(etc, 'archive', name)
  const live = join(etc, 'live', name)
  await mkdir(archive, { recursive: true, mode: 0o700 })
  await mkdir(live, { recursive: true, mode: 0o700 })
  for (const [what, content] of Object.entries({ privkey: key, fullchain: certificate })) {
    await writeFile(join(archive, `${what}${number}.pem`), content, { mode: 0o600 })
    await symlink(`../../archive/${name}/${what}${number}.pem`, join(live, `.${what}.new`))
    await rename(join(live, `.${what}.new`), join(live, `${what}.pem`))
  }
}

test("certbot's live folder is served, and what certbot renews there", async () => {
  const etc = await temporaryFolder()
  const first = makeCertificate({ names: ['app.example'] })
  await certbotRenewal(etc, 'app.example', first, 1)
  const source = { kind: 'certbot', folder: join(etc, 'live/app.example') } as const
  const { load, log, describe } = await certificatesFrom(source, 'app.example')
  expect(await load()).toMatchObject({ certificate: first.certificate, key: first.key })
  expect(describe()).toMatchObject({ source: 'certbot', skipped: [] })
  const renewed = makeCertificate({ names: ['app.example'] })
  await certbotRenewal(etc, 'app.example', renewed, 2)
  expect(await load()).toMatchObject({ certificate: renewed.certificate, key: renewed.key })
  expect(log.lines).toEqual([expect.stringMatching(/^info: renewed the certificate for app\.example, valid until /)])
})

test("links of certbot's that lead nowhere, as in a volume that holds `live` alone, are reported with their path", async () => {
  const etc = await temporaryFolder()
  await certbotRenewal(etc, 'app.example', makeCertificate({ names: ['app.example'] }), 1)
  await rm(join(etc, 'archive'), { recursive: true })
  const folder = join(etc, 'live/app.example')
  const { load, describe } = await certificatesFrom({ kind: 'certbot', folder }, 'app.example')
  await load()
  expect(describe()).toMatchObject({ source: 'internal' })
  expect(describe()?.skipped).toEqual([
    { source: 'certbot', error: expect.stringContaining(`${folder}/fullchain.pem: the certificate file`) },
  ])
})

/** `certificates/<issuer>/<name>/<name>.{crt,key,json}`, as certmagic's FileStorage keeps it. */
async function caddyPair(storage: string, issuer: string, name: string, { certificate, key }: MadeCertificate) {
  const folder = join(storage, 'certificates', issuer, name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, `${name}.key`), key, { mode: 0o600 })
  await writeFile(join(folder, `${name}.crt`), certificate, { mode: 0o600 })
  await writeFile(join(folder, `${name}.json`), '{"sans":[]}', { mode: 0o600 })
  return join(folder, `${name}.crt`)
}

const letsencrypt = 'acme-v02.api.letsencrypt.org-directory'

test("Caddy's storage is served: of several issuers what was written last", async () => {
  const storage = await temporaryFolder()
  const old = makeCertificate({ names: ['app.example'], commonName: 'old' })
  const current = makeCertificate({ names: ['app.example'], commonName: 'current' })
  await caddyPair(storage, letsencrypt, 'app.example', current)
  const before = await caddyPair(storage, 'acme.zerossl.com-v2-dv90', 'app.example', old)
  await utimes(before, new Date(), new Date(Date.now() - day))
  const { load, describe } = await certificatesFrom({ kind: 'caddy', storage }, 'app.example')
  expect(await load()).toMatchObject({ certificate: current.certificate, key: current.key })
  expect(describe()).toMatchObject({ source: 'caddy', skipped: [] })
  const renewed = makeCertificate({ names: ['app.example'] })
  await caddyPair(storage, letsencrypt, 'app.example', renewed)
  expect(await load()).toMatchObject({ certificate: renewed.certificate, key: renewed.key })
})

test("a wildcard of Caddy's is found by the name that it has there", async () => {
  const storage = await temporaryFolder()
  const wildcard = makeCertificate({ names: ['*.example.com'] })
  await caddyPair(storage, letsencrypt, 'wildcard_.example.com', wildcard)
  const { load } = await certificatesFrom({ kind: 'caddy', storage }, '*.example.com')
  expect(await load()).toMatchObject({ certificate: wildcard.certificate })
})

test('what Caddy tried at a staging server, or what has expired, is not preferred to what clients trust', async () => {
  const storage = await temporaryFolder()
  const trusted = makeCertificate({ names: ['app.example'] })
  const expired = makeCertificate({
    names: ['app.example'],
    notBefore: new Date(Date.now() - 2 * day),
    notAfter: new Date(Date.now() - day),
  })
  const good = await caddyPair(storage, letsencrypt, 'app.example', trusted)
  await utimes(good, new Date(), new Date(Date.now() - day))
  const staging = 'acme-staging-v02.api.letsencrypt.org-directory'
  await caddyPair(storage, staging, 'app.example', makeCertificate({ names: ['app.example'] }))
  await caddyPair(storage, 'acme.zerossl.com-v2-dv90', 'app.example', expired)
  const { load } = await certificatesFrom({ kind: 'caddy', storage }, 'app.example')
  expect(await load()).toMatchObject({ certificate: trusted.certificate })
})

test('a key of theirs that others may read is reported, and served', async () => {
  const storage = await temporaryFolder()
  const made = makeCertificate({ names: ['app.example'] })
  const key = (await caddyPair(storage, letsencrypt, 'app.example', made)).replace('.crt', '.key')
  await chmod(key, 0o644)
  const { load, log } = await certificatesFrom({ kind: 'caddy', storage }, 'app.example')
  expect(await load()).toMatchObject({ certificate: made.certificate })
  expect(log.lines).toEqual([`warn: the private key ${key} is accessible to other users (mode 0644): chmod 600 ${key}`])
})
