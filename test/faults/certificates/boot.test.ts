/** A start with certificates that are expired, damaged, missing or too open: it serves what it can, and says which and why. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, it, onTestFinished } from 'vitest'
import { makeCertificate } from '../../certificates/make-certificate.ts'
import { gatehouse as verb } from '../../cli/gatehouse-command.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { startGatehouse } from '../../e2e/support/gatehouse.ts'

const day = 86_400_000

/** Who signed what this name is shown. */
function signerOf(port: number, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.issuer ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

it('the next source serves in the place of a bad one, our own CA at worst, and the status says why', async () => {
  const [https = 0] = await freePorts(1)
  const expired = makeCertificate({
    names: ['expired.test'],
    notBefore: new Date(Date.now() - 2 * day),
    notAfter: new Date(Date.now() - day),
  })
  const spare = makeCertificate({ names: ['expired.test'], commonName: 'Spare' })
  const open = makeCertificate({ names: ['open.test'], commonName: 'Open' })
  const gatehouse = startGatehouse({
    files: {
      'expired.crt': expired.certificate,
      'expired.key': expired.key,
      'live/fullchain.pem': spare.certificate,
      'live/privkey.pem': spare.key,
      'damaged.crt': spare.certificate.slice(0, 300),
      'open.crt': open.certificate,
      'open.key': open.key, // 0644, as the test's umask has it
    },
    config: `
gateway:
  threads: 2
  listeners: { https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ redirect: { to: "https://elsewhere.test" } }]
certificates:
  - { domains: [expired.test], use: [{ files: { certificate: ./expired.crt, key: ./expired.key } }, { certbot: { live: ./live } }] }
  - { domains: [damaged.test], use: [{ files: { certificate: ./damaged.crt, key: ./expired.key } }, { caddy: { storage: ./none } }] }
  - { domains: [open.test], use: [{ files: { certificate: ./open.crt, key: ./open.key } }] }
storage: ./storage
control: { socket: ./control.sock }
`,
  })
  onTestFinished(async () => void (await gatehouse.stop()))
  await gatehouse.ready()
  expect(await signerOf(https, 'expired.test')).toBe('CN=Spare')
  expect(await signerOf(https, 'damaged.test')).toMatch(/^CN=Gatehouse internal CA /)
  expect(await signerOf(https, 'open.test')).toBe('CN=Open')

  const { out } = await verb('certs', 'list', '--json', gatehouse.file)
  expect(JSON.parse(out)).toMatchObject([
    {
      source: 'certbot',
      fallback: false,
      skipped: [{ source: 'files', error: expect.stringMatching(/expired\.crt: expired on .+; renew it$/) }],
    },
    {
      fallback: true,
      skipped: [
        { source: 'files', error: expect.stringMatching(/damaged\.crt: holds no PEM certificate/) },
        { source: 'caddy', error: expect.stringMatching(/none\/certificates cannot be read \(ENOENT\)/) },
      ],
    },
    { source: 'files', skipped: [] },
  ])
  const warnings = gatehouse.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  expect(warnings).toContainEqual(
    expect.stringMatching(/open\.key is accessible to other users \(mode 0644\): chmod 600 /),
  )
  expect(warnings).toContainEqual(
    expect.stringMatching(/^certificate for expired\.test: certbot serves instead of files/),
  )

  const modes = readdirSync(join(gatehouse.folder, 'storage'), { recursive: true, encoding: 'utf8' }).map((path) => {
    const facts = statSync(join(gatehouse.folder, 'storage', path))
    return `${facts.isDirectory() ? 'folder' : 'file'} ${(facts.mode & 0o777).toString(8)}`
  })
  expect([...new Set(modes)].sort()).toEqual(['file 600', 'folder 700'])
})
