/** A real Chromium, headless, that verifies every chain and may trust one certificate authority beside the public ones. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium } from 'playwright-core'

export interface BrowserOptions {
  /** Paths of the programs. */
  readonly chromium: string
  readonly certutil: string
  /** Path of the root certificate to trust, in PEM; without it none but the public ones. */
  readonly root?: string
}

export interface Browser {
  readonly context: BrowserContext
  /** Ends it and removes its profile. */
  close(): Promise<void>
}

const quiet = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
]
// Its sandbox needs user namespaces that containers seldom allow, and tests run as root in CI.
const unsandboxed = ['--no-sandbox']

export async function openBrowser(options: BrowserOptions): Promise<Browser> {
  const home = mkdtempSync(join(tmpdir(), 'gatehouse-browser-'))
  if (options.root !== undefined) trust(options.root, options.certutil, join(home, '.pki/nssdb'))
  const context = await chromium.launchPersistentContext(join(home, 'profile'), {
    executablePath: options.chromium,
    args: [...quiet, ...unsandboxed],
    env: { PATH: process.env.PATH ?? '', HOME: home },
  })
  return {
    context,
    async close() {
      await context.close()
      rmSync(home, { recursive: true, force: true })
    },
  }
}

/** Chromium on Linux reads additional authorities from the NSS database in the home folder. */
function trust(root: string, certutil: string, database: string): void {
  mkdirSync(database, { recursive: true })
  const words = ['-d', `sql:${database}`]
  execFileSync(certutil, [...words, '-N', '--empty-password'])
  execFileSync(certutil, [...words, '-A', '-n', 'Gatehouse', '-t', 'C,,', '-i', root])
}
