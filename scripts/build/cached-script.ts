/**
 * The entry of each thread of the single executable: runs the embedded chunks with V8's code cache from the build, so
 * that a start compiles next to nothing. Node's own `useCodeCache` serves the main script only, and lacks functions
 * that were not called. V8 compiles as usual if it rejects the cache, and what has none.
 */
import { getAssetKeys, getRawAsset } from 'node:sea'
import { Script } from 'node:vm'

/** The name of the first chunk among the assets, put in by the build. */
declare const __ENTRY__: string

const cached = new Set(getAssetKeys().filter((name) => name.endsWith('.cache')))
const loaded = new Map<string, { exports: unknown }>()

function load(name: string): unknown {
  const known = loaded.get(name)
  if (known) return known.exports
  const chunk = { exports: {} }
  loaded.set(name, chunk)
  const cache = `${name}.cache`
  // The chunks are ASCII, which needs no decoding.
  const script = new Script(Buffer.from(getRawAsset(name) as ArrayBuffer).toString('latin1'), {
    filename: name,
    ...(cached.has(cache) && { cachedData: new Uint8Array(getRawAsset(cache) as ArrayBuffer) }),
  })
  script.runInThisContext()(requireAny, chunk, chunk.exports, importFromDisk)
  return chunk.exports
}

const requireAny = Object.assign((id: string) => (id.startsWith('./') ? load(id.slice(2)) : require(id)), require)

/** `import()` works here, but not in a script with a code cache. */
const importFromDisk = (url: string): Promise<object> => import(url)

load(__ENTRY__)
