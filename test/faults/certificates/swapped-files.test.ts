/** A pair of files is replaced on disk in every manner in which people and programs do it, under handshakes. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it, onTestFinished } from 'vitest'
import { type MadeCertificate, makeCertificate } from '../../certificates/make-certificate.ts'
import { acceptedCertificate } from '../../e2e/support/accepted-certificate.ts'
import { freePorts } from '../../e2e/support/free-ports.ts'
import { startGatehouse } from '../../e2e/support/gatehouse.ts'

const name = 'app.example.test'
/** A look every 2 s, another one at most if it met a pair half swapped, and a moment until the threads have it. */
const seconds = 8_000

/** The serial number that a new client is shown. */
const handshake = async (port: number, ca: string) => (await acceptedCertificate(port, ca, name)).serialNumber

interface Swap {
  readonly how: string
  readonly first: (folder: string, pair: MadeCertificate) => void
  /** In two steps, between which Gatehouse has the time to look. */
  readonly steps: readonly ((folder: string, pair: MadeCertificate) => void)[]
}

const writeKey = (folder: string, { key }: MadeCertificate) =>
  writeFileSync(join(folder, 'privkey.pem'), key, { mode: 0o600 })
const writeChain = (folder: string, { certificate }: MadeCertificate) =>
  writeFileSync(join(folder, 'fullchain.pem'), certificate)
const writePair = (folder: string, pair: MadeCertificate) => {
  writeKey(folder, pair)
  writeChain(folder, pair)
}

/** `archive/` gets the file, the link is put in place by a rename. */
const link = (number: number, what: 'key' | 'certificate') => (folder: string, pair: MadeCertificate) => {
  const file = what === 'key' ? 'privkey' : 'fullchain'
  mkdirSync(join(folder, 'archive'), { recursive: true })
  writeFileSync(join(folder, 'archive', `${file}${number}.pem`), pair[what], { mode: 0o600 })
  symlinkSync(`archive/${file}${number}.pem`, join(folder, `.${file}.new`))
  renameSync(join(folder, `.${file}.new`), join(folder, `${file}.pem`))
}

/** As Kubernetes mounts a secret: the files are links through `..data`, which is changed in one moment. */
const volume = (number: number) => (folder: string, pair: MadeCertificate) => {
  const version = join(folder, `..${number}`)
  mkdirSync(version)
  writePair(version, pair)
  symlinkSync(`..${number}`, join(folder, '..data.new'))
  renameSync(join(folder, '..data.new'), join(folder, '..data'))
}

const swaps: readonly Swap[] = [
  { how: 'first its key, then its chain', first: writePair, steps: [writeKey, writeChain] },
  { how: 'first its chain, then its key', first: writePair, steps: [writeChain, writeKey] },
  {
    how: 'half written at first',
    first: writePair,
    steps: [
      (folder, { certificate, key }) => {
        writeFileSync(join(folder, 'fullchain.pem'), certificate.slice(0, 300))
        writeFileSync(join(folder, 'privkey.pem'), key.slice(0, 100))
      },
      writePair,
    ],
  },
  {
    how: "by renamed links, as certbot's live folder",
    first(folder, pair) {
      link(1, 'key')(folder, pair)
      link(1, 'certificate')(folder, pair)
    },
    steps: [link(2, 'certificate'), link(2, 'key')],
  },
  {
    how: 'by one renamed folder, as a secret of Kubernetes',
    first(folder, pair) {
      volume(1)(folder, pair)
      for (const file of ['fullchain.pem', 'privkey.pem']) symlinkSync(`..data/${file}`, join(folder, file))
    },
    steps: [volume(2)],
  },
]

it.each(swaps)(
  'a pair that is swapped $how is served within seconds, whole, and no handshake fails',
  async ({ first, steps }) => {
    // Of different names: clients look for the trusted one by its name.
    const [old, renewed] = ['old', 'renewed'].map((commonName) => makeCertificate({ names: [name], commonName })) as [
      MadeCertificate,
      MadeCertificate,
    ]
    const ca = old.certificate + renewed.certificate
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-swap-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    first(folder, old)
    const [https = 0] = await freePorts(1)
    const gatehouse = startGatehouse({
      config: `
gateway:
  threads: 2
  listeners: { https: { address: "127.0.0.1:${https}", tls: true } }
  routes: [{ redirect: { to: "https://elsewhere.test" } }]
certificates: [{ domains: [${name}], use: [{ files: { certificate: ${folder}/fullchain.pem, key: ${folder}/privkey.pem } }] }]
storage: ./storage
control: { socket: ./control.sock }
`,
    })
    onTestFinished(async () => void (await gatehouse.stop()))
    await gatehouse.ready()
    const before = await handshake(https, ca)
    const failures: unknown[] = []
    const seen = new Set([before])
    let over = false
    const load = (async () => {
      while (!over) {
        await handshake(https, ca).then(
          (serial) => seen.add(serial),
          (error) => failures.push(error),
        )
        await pause(20)
      }
    })()
    try {
      for (const step of steps.slice(0, -1)) {
        const after = gatehouse.lines.length
        step(folder, renewed)
        // It has looked, and found that they do not belong together.
        await gatehouse.waitFor({ level: 'error', message: /^cannot renew the certificate for / }, { after })
        expect(await handshake(https, ca)).toBe(before)
      }
      steps.at(-1)?.(folder, renewed)
      await expect.poll(() => handshake(https, ca), { timeout: seconds }).not.toBe(before)
    } finally {
      over = true
      await load
    }
    expect(failures).toEqual([])
    seen.add(await handshake(https, ca))
    expect(seen.size).toBe(2)
  },
  60_000,
)
