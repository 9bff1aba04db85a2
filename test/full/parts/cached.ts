/** Parts that are not Debian's or npm's: fetched or built once into `.cache/`, by the version or the sources they are made of. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { projectFolder } from '../../e2e/support/gatehouse.ts'

/** A folder that holds the part, or why there is none: the reason of a skip. */
export type CachedPart = { readonly folder: string } | { readonly missing: string }

/** What `build` puts into the folder it is given is the part from then on; half a part is never taken for one. */
export async function cachedPart(
  name: string,
  version: string,
  build: (folder: string) => Promise<void>,
): Promise<CachedPart> {
  const folder = join(projectFolder, '.cache', name, version)
  if (existsSync(folder)) return { folder }
  const turn = await takeTurn()
  const unfinished = `${folder}.unfinished`
  const begun = performance.now()
  try {
    if (existsSync(folder)) return { folder }
    rmSync(unfinished, { recursive: true, force: true })
    mkdirSync(unfinished, { recursive: true })
    await build(unfinished)
    renameSync(unfinished, folder)
    console.log(`${name} ${version} was made in ${Math.round((performance.now() - begun) / 1000)} s`)
    return { folder }
  } catch (error) {
    return { missing: `${name} ${version} is not to be had: ${error instanceof Error ? error.message : error}` }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
    turn.close()
  }
}

/**
 * One build at a time, whichever test file asks: Maven's own repository bears no two. The turn is a socket of an abstract name
 * (unix(7)), so that whoever dies gives it up.
 */
async function takeTurn(): Promise<Server> {
  for (;;) {
    const server = createServer()
    const taken = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen('\0gatehouse-test-parts', () => resolve(true))
    })
    if (taken) return server.unref()
    await setTimeout(500)
  }
}

/** A version for what is made of these files: another one as soon as one of them changes. */
export function versionOf(sources: string): string {
  const hash = createHash('sha256')
  for (const file of readdirSync(sources).sort()) hash.update(file).update(readFileSync(join(sources, file)))
  return hash.digest('hex').slice(0, 12)
}

/** Resolves with its standard output; rejects with the last lines of what it said. It gets the lowest priority, and 25 minutes. */
export async function runBuild(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
  const child = spawn('nice', ['-n', '10', ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 25 * 60_000,
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [code, said, complained] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
  if (code === 0) return said
  const last = `${said}\n${complained}`.trim().split('\n').slice(-6).join('\n')
  throw new Error(`${words.slice(0, 3).join(' ')} … ended with ${code}: ${last}`)
}
