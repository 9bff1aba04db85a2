import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'
import { makeCertificate } from '../certificates/make-certificate.ts'

const day = 86_400_000

it.each([
  ['is not valid yet', { notBefore: new Date(Date.now() + day) }, /is not valid before/],
  ['has expired', { notBefore: new Date(Date.now() - 2 * day), notAfter: new Date(Date.now() - day) }, /expired on/],
])('`check` warns of a certificate that %s, served or trusted', (_, wish, words) => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-validity-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const { certificate, key } = makeCertificate(wish)
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
