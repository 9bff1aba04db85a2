/**
 * Loads plugins from disk. Node keeps every module for ever under its URL, so each loading gets URLs of its own, also
 * for the files that the plugin imports: otherwise a reload would still see the old ones. Packages keep their URLs:
 * they are loaded once per thread.
 *
 * A replaced module stays in memory, which V8 cannot avoid. So a plugin is loaded anew only if one of its files has
 * changed.
 */
import { realpathSync, type Stats, statSync } from 'node:fs'
import { createRequire, type LoadHookSync, type ResolveHookSync, registerHooks } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { GatehouseError, stackOf } from '../../shared/errors.ts'
import { contentRisk } from '../../shared/files/trust.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { setTimeout } from '../../shared/time/timer.ts'
import { describeFault } from './fault.ts'
import { importFile } from './import-file.ts'

/** For a module whose top-level `await` never settles. */
const patience: Milliseconds = 10_000

/** The files of a plugin without its packages: absolute paths, with what changes when the file does. */
type Sources = Map<string, string>

interface LoadedModule {
  readonly exports: object
  readonly sources: Sources
}

export class PluginModules {
  readonly #loaded = new Map<string, LoadedModule>()
  /** Of each loading, by its number, which is in the URLs. */
  readonly #sources = new Map<number, Sources>()
  /** The loading that files of CommonJS belong to: their URLs have no number. */
  readonly #commonJs = new Map<string, number>()
  /** A syntax error in JavaScript does not say where it is: such a file is read once more, as TypeScript. */
  readonly #readAsTypeScript = new Set<string>()
  #last = 0

  /**
   * Resolves with the exports of a file (an absolute path). Rejects with a GatehouseError that says what is wrong, and
   * where in the file if that is known; with `orBefore`, resolves with what was loaded before instead, if anything was.
   */
  async load(file: string, orBefore: boolean): Promise<object> {
    const known = this.#loaded.get(file)
    if (known && [...known.sources].every(([path, seen]) => fingerprintOf(path) === seen)) return known.exports
    if (this.#last === 0) registerHooks({ resolve: this.#resolve, load: this.#load })
    if (known) forgetCommonJs(known.sources)
    const number = this.#begin()
    const sources: Sources = new Map()
    this.#sources.set(number, sources)
    try {
      // Of a link, too: its target may be another file next time. Node would not notice, as it remembers real paths.
      this.#note(number, file)
      const exports = await withinPatience(importFile(numbered(pathToFileURL(realpathSync(file)).href, number)))
      this.#loaded.set(file, { exports, sources })
      return exports
    } catch (error) {
      forgetCommonJs(sources)
      if (known && orBefore) return known.exports
      throw new GatehouseError('gateway-failed', describeFault(await this.#withPlace(error, file, sources)), {
        cause: error,
      })
    }
  }

  #begin(): number {
    this.#last += 1
    return this.#last
  }

  async #withPlace(error: unknown, file: string, sources: Sources): Promise<unknown> {
    if (!(error instanceof SyntaxError)) return error
    const [last = file] = [...sources.keys()].reverse()
    if (stackOf(error).includes(last) || !/\.m?js$/.test(last)) return error
    const number = this.#begin()
    this.#readAsTypeScript.add(last)
    try {
      await importFile(numbered(pathToFileURL(last).href, number))
      return error
    } catch (placed) {
      return placed instanceof SyntaxError && stackOf(placed).includes(last) ? placed : error
    } finally {
      this.#readAsTypeScript.delete(last)
    }
  }

  readonly #resolve: ResolveHookSync = (specifier, context, next) => {
    const resolved = next(specifier, context)
    const number = this.#numberOf(context.parentURL)
    if (number === undefined || !resolved.url.startsWith('file:') || resolved.url.includes('/node_modules/'))
      return resolved
    if (!context.conditions.includes('require')) return { ...resolved, url: numbered(resolved.url, number) }
    this.#commonJs.set(fileURLToPath(resolved.url), number)
    return resolved
  }

  readonly #load: LoadHookSync = (url, context, next) => {
    const number = this.#numberOf(url)
    if (number !== undefined) {
      const path = fileURLToPath(url)
      this.#note(number, path)
      if (this.#readAsTypeScript.has(path)) return next(url, { ...context, format: 'module-typescript' })
    }
    return next(url, context)
  }

  #numberOf(url: string | undefined): number | undefined {
    if (!url?.startsWith('file:')) return undefined
    const [, number] = mark.exec(url) ?? []
    return number === undefined ? this.#commonJs.get(fileURLToPath(url)) : Number(number)
  }

  /** Before the file is read: a change meanwhile counts as one afterwards. */
  #note(number: number, path: string): void {
    const stats = statSync(path)
    const risk = contentRisk(stats)
    if (risk !== undefined) throw new Error(`${path} ${risk}: anyone who can write it could run code here`)
    this.#commonJs.set(path, number)
    this.#sources.get(number)?.set(path, fingerprint(stats))
  }
}

const mark = /[?&]gatehouse=(\d+)$/

function numbered(url: string, number: number): string {
  return `${url}${url.includes('?') ? '&' : '?'}gatehouse=${number}`
}

function fingerprintOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats && fingerprint(stats)
}

function fingerprint({ ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [ino, size, mtimeMs, ctimeMs].join(' ')
}

function forgetCommonJs(sources: Sources): void {
  for (const path of sources.keys()) delete createRequire(path).cache[path]
}

async function withinPatience<T>(loading: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () =>
      late.reject(
        new Error(`it did not load within ${patience / 1_000} s: does an \`await\` at its top never settle?`),
      ),
    patience,
  )
  try {
    return await Promise.race([loading, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
