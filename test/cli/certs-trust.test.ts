import { X509Certificate } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeRoot } from '../../src/certificates/ca/internal.ts'
import { temporaryFolder } from '../control/fixture.ts'
import { gatehouse } from './gatehouse-command.ts'

async function storageWithRoot() {
  const folder = await temporaryFolder()
  const file = join(folder, 'gatehouse.yaml')
  await writeFile(file, `gateway: { routes: [{ redirect: { to: "https://{host}{uri}" } }] }\nstorage: "./it's here"\n`)
  const path = join(folder, "it's here", 'internal', 'root.crt')
  const root = await makeRoot()
  return { file, path, root, folder }
}

test('the root is shown with its fingerprint and the commands to trust it, and never the key', async () => {
  const { file, path, root } = await storageWithRoot()
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(path, `${root.key}${root.certificate}`)
  const { code, out } = await gatehouse('certs', 'trust', file)
  expect(code).toBe(0)
  expect(out).toContain(path)
  expect(out).toContain(new X509Certificate(root.certificate).fingerprint256)
  const quoted = `'${path.replace("'", "'\\''")}'`
  for (const command of [
    'update-ca-certificates',
    'update-ca-trust',
    'security add-trusted-cert',
    'certutil -d',
    'keytool -importcert',
    `export NODE_EXTRA_CA_CERTS=${quoted}`,
    `curl --cacert ${quoted}`,
  ])
    expect(out).toContain(command)
  expect(out).not.toContain('PRIVATE KEY')

  const alone = await gatehouse('certs', 'trust', '--pem', file)
  expect(alone.out).toBe(root.certificate)
})

test('a storage without an internal CA is named, and what makes one', async () => {
  const { file, path } = await storageWithRoot()
  const { code, out, err } = await gatehouse('certs', 'trust', file)
  expect({ code, out }).toEqual({ code: 3, out: '' })
  expect(err).toContain(`cannot read ${path} (ENOENT): the internal CA creates it when it first issues a certificate`)
})
