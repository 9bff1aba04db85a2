import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'
import { type MadeCertificate, makeCertificate } from '../certificates/make-certificate.ts'

const day = 86_400_000
const tomorrow = { notBefore: new Date(Date.now() + day) }
const yesterday = { notBefore: new Date(Date.now() - 2 * day), notAfter: new Date(Date.now() - day) }

function signedBy(life: typeof tomorrow | typeof yesterday): MadeCertificate {
  const issuer = makeCertificate({ ...life, commonName: 'Intermediate', authority: true })
  const leaf = makeCertificate({ issuer })
  return { ...leaf, certificate: `${leaf.certificate}${issuer.certificate}` }
}

it.each([
  ['is not valid yet', makeCertificate(tomorrow), /pem` is not valid before/],
  ['has expired', makeCertificate(yesterday), /pem` expired on/],
  ['was signed by one that is not valid yet', signedBy(tomorrow), /an intermediate in the same file that is not valid/],
  ['was signed by one that has expired', signedBy(yesterday), /an intermediate in the same file that expired on/],
])('`check` warns of a certificate that %s, served or trusted', (_, { certificate, key }, words) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-validity-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'chain.pem'), certificate)
  writeFileSync(join(folder, 'key.pem'), key)
  writeFileSync(
    join(folder, 'gatehouse.yaml'),
    `gateway:
  listeners: { web: { address: ":8443", tls: true, clientCertificates: { ca: chain.pem } } }
  routes: [{ path: /*, to: behind }]
upstreams: { behind: { targets: ["https://127.0.0.1:9443"], tls: { ca: chain.pem } } }
certificates: [{ domains: [app.example], use: [{ files: { certificate: chain.pem, key: key.pem } }, { internal: {} }] }]
`,
  )
  const { diagnostics } = readPlan(join(folder, 'gatehouse.yaml'), {})
  const found = diagnostics.filter(({ severity, message }) => severity === 'warning' && words.test(message))
  expect(found.map(({ line }) => line)).toEqual([2, 4, 5])
})
