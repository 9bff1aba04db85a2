/**
 * The entry of each thread of the single executable: runs the embedded bundle with V8's code cache from the build, so
 * that a start compiles next to nothing. Node's own `useCodeCache` serves the main script only, and lacks functions
 * that were not called. V8 compiles as usual if it rejects the cache.
 */
import { getAsset, getRawAsset } from 'node:sea'
import { Script } from 'node:vm'

/** The name of the bundle among the assets, put in by the build. */
declare const __BUNDLE__: string
/** The names of bundles that it requires only when it needs them, by package. */
declare const __SEPARATE__: Readonly<Record<string, string>>

interface Module {
  exports: unknown
}

const loaded = new Map<string, Module>()

function run(bundle: string, module: Module): void {
  const script = new Script(getAsset(bundle, 'utf8'), {
    filename: bundle,
    cachedData: new Uint8Array(getRawAsset(`${bundle}.cache`)),
  })
  // `import()` works here, but not in a script with a code cache.
  const importFromDisk = (url: string): Promise<object> => import(url)
  script.runInThisContext()(requireAny, module, module.exports, importFromDisk)
}

function requirePart(name: string): unknown {
  const bundle = __SEPARATE__[name]
  if (bundle === undefined) return require(name)
  const known = loaded.get(name)
  if (known) return known.exports
  const module: Module = { exports: {} }
  loaded.set(name, module)
  run(bundle, module)
  return module.exports
}

const requireAny = Object.assign(requirePart, require)

run(__BUNDLE__, module)
