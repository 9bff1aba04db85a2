/** A supervised Java program trusts what the store says: our own listener too, and what is put into the folder later. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { makeCertificate } from '../certificates/make-certificate.ts'
import { freePorts } from '../e2e/support/free-ports.ts'
import { type Gatehouse, projectFolder, runGatehouse, startGatehouse } from '../e2e/support/gatehouse.ts'
import { part } from '../parts.ts'

let gatehouse: Gatehouse | undefined
afterEach(async () => {
  await gatehouse?.stop()
  gatehouse = undefined
})

const fetcher = `${projectFolder}/test/fixtures/java/Fetch.java`
const authority = (commonName: string) => makeCertificate({ commonName, authority: true }).certificate

async function config(): Promise<string> {
  const [port] = await freePorts(1)
  const url = `https://localhost:${port}/hello.txt`
  const store =
    '-Djavax.net.ssl.trustStore=stores/java.p12, -Djavax.net.ssl.trustStorePassword=changeit, -Djavax.net.ssl.trustStoreType=PKCS12'
  return `
gateway:
  listeners: { https: { address: "127.0.0.1:${port}", tls: true } }
  routes: [{ files: { root: site } }]
certificates: [{ domains: [localhost], use: [{ internal: {} }] }]
trustStores:
  java: { file: stores/java.p12, certificates: ca-certs, internal: true }
processes:
  trusting: { kind: task, command: [java, ${store}, ${fetcher}, "${url}"] }
  stranger: { kind: task, command: [java, ${fetcher}, "${url}"] }
storage: storage
control: { socket: ./control.sock }
`
}

it('falls back to the certificates of Node where the system has none, and starts when the store cannot be written', async () => {
  const text = `
trustStores:
  java: { file: stores/java.p12 }
  lost: { file: /proc/nowhere/java.p12 }
processes: { once: { kind: task, command: [echo, here] } }
storage: storage
control: { socket: ./control.sock }
`
  const env = { SSL_CERT_FILE: '/nonexistent', SSL_CERT_DIR: '/nonexistent' }
  gatehouse = startGatehouse({ config: text, env })
  const written = await gatehouse.waitFor({ message: 'wrote the trust store java' })
  expect(written.certificates).toBeGreaterThan(50)
  await gatehouse.waitFor({ level: 'error', message: /^cannot write the trust store lost \(.+\): ENOENT/ })
  await gatehouse.waitFor({ process: 'once', message: 'here' })
  const { stdout } = await runGatehouse(['plan', gatehouse.file])
  expect(stdout).toContain(`trust stores\n  java  ${gatehouse.folder}/stores/java.p12  system\n`)
})

describe.skipIf(!part('javac'))('a Java program under supervision', () => {
  it('fetches from our own listener with the store, which is there before it starts, and not without', async () => {
    gatehouse = startGatehouse({
      config: await config(),
      files: { 'site/hello.txt': 'hello from home' },
    })
    const [fetched, refused] = await Promise.all([
      gatehouse.waitFor({ process: 'trusting', message: /^(fetched|refused)/ }),
      gatehouse.waitFor({ process: 'stranger', message: /^(fetched|refused)/ }),
    ])
    expect(fetched.message).toMatch(/^fetched .+ hello from home$/)
    expect(refused.message).toMatch(/^refused .+ unable to find valid certification path/)
  }, 60_000)

  it('trusts at its next start what was in the folder at a reload, with a warning for what is broken', async () => {
    const files = { 'site/hello.txt': 'hello from home', 'ca-certs/first.crt': authority('First') }
    gatehouse = startGatehouse({ config: await config(), files })
    const before = await gatehouse.waitFor({ process: 'trusting', message: /^trusts/ })
    await gatehouse.ready()
    const after = gatehouse.lines.length
    writeFileSync(join(gatehouse.folder, 'ca-certs/second.pem'), authority('Second') + authority('Third'))
    writeFileSync(join(gatehouse.folder, 'ca-certs/broken.crt'), authority('Fourth').slice(0, 200))
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ reload: 'done' }, { after })
    expect(gatehouse.lines.slice(after)).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message: `the trust store java (${gatehouse.folder}/stores/java.p12): skipping ${gatehouse.folder}/ca-certs/broken.crt: it contains no certificate; export it again as PEM, or remove the file`,
      }),
    )
    await runGatehouse(['start', 'trusting', '--socket', join(gatehouse.folder, 'control.sock')])
    const later = await gatehouse.waitFor({ process: 'trusting', message: /^trusts/ }, { after })
    expect(trusted(later.message) - trusted(before.message)).toBe(2)
    await gatehouse.waitFor({ process: 'trusting', message: /^fetched/ }, { after })
  }, 60_000)
})

/** Of `trusts 148`. */
function trusted(message: string): number {
  return Number(message.split(' ')[1])
}
