/**
 * Modules of Node that most runs never need on the main thread. Loading them takes 20 ms and 5 MB of a start, so they
 * are loaded by the first call.
 */
export const onDemand = {
  https: () => process.getBuiltinModule('node:https'),
  http2: () => process.getBuiltinModule('node:http2'),
  tls: () => process.getBuiltinModule('node:tls'),
  zlib: () => process.getBuiltinModule('node:zlib'),
} as const
