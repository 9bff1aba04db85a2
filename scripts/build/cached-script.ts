/**
 * The entry of each thread of the single executable: runs the embedded bundle with V8's code cache from the build, so
 * that a start compiles next to nothing. Node's own `useCodeCache` serves the main script only, and lacks functions
 * that were not called. V8 compiles as usual if it rejects the cache.
 */
import { getAsset, getRawAsset } from 'node:sea'
import { Script } from 'node:vm'

/** The name of the bundle among the assets, put in by the build. */
declare const __BUNDLE__: string

const script = new Script(getAsset(__BUNDLE__, 'utf8'), {
  filename: __BUNDLE__,
  cachedData: new Uint8Array(getRawAsset(`${__BUNDLE__}.cache`)),
})
script.runInThisContext()(require, module, exports)
