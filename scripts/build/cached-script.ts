/**
 * What a thread of the single executable runs first: the embedded bundle, with the code that V8 made of it at build time,
 * so that a start compiles next to nothing. Node's own `useCodeCache` serves the main script only, and holds no function
 * that was not yet called. V8 compiles as usual if it does not accept the cache.
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
