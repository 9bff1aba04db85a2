/** Where Caddy keeps a certificate: `certificates/<issuer>/<name>/<name>.crt`, with its key beside it. */
import { X509Certificate } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lifeOfLeaf, validityProblem } from '../../shared/certificate-validity.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import type { PairFiles } from '../store.ts'

interface Found {
  readonly base: string
  readonly written: Milliseconds
  /** Valid, and not of a staging CA, which Caddy uses after failures. */
  readonly good: boolean
}

/** Of several issuers the one written last, good ones first. Rejects if there is none. */
export async function findCaddyPair(storage: string, domain: string): Promise<PairFiles> {
  const folder = join(storage, 'certificates')
  const name = domain.replace('*', 'wildcard_').replaceAll(':', '-')
  const issuers = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new Error(`${folder} cannot be read (${error.code}); Caddy keeps its certificates there`)
  })
  const found = await Promise.all(issuers.map((issuer) => lookFor(join(folder, issuer, name, name), issuer)))
  const [best] = found.flat().sort((a, b) => Number(b.good) - Number(a.good) || b.written - a.written)
  if (!best) throw new Error(`${folder} holds no certificate for ${domain}`)
  return { certificate: `${best.base}.crt`, key: `${best.base}.key` }
}

async function lookFor(base: string, issuer: string): Promise<readonly Found[]> {
  const facts = await stat(`${base}.crt`).catch(() => undefined)
  if (!facts) return []
  const good = !issuer.includes('staging') && (await isValid(`${base}.crt`))
  return [{ base, written: facts.mtimeMs, good }]
}

async function isValid(file: string): Promise<boolean> {
  try {
    return validityProblem(lifeOfLeaf(new X509Certificate(await readFile(file)))) === undefined
  } catch {
    return false // Reading it for use reports why.
  }
}
