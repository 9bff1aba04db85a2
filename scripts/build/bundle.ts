/**
 * Bundles the sources and the packages that they import into CommonJS chunks: the entry, and one more for each
 * `import()`, which is only read when it is needed. A chunk requires another as `./NAME`.
 */
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type BuildOptions, build, type TransformOptions, transform } from 'esbuild'

export interface Bundle {
  /** Relative to the project. */
  readonly entry: string
  /** Of the entry's chunk; the names of the others begin with it. */
  readonly name: string
  /** Absolute. */
  readonly folder: string
  /** Identifiers that are replaced by the JSON text of a value. */
  readonly constants: Readonly<Record<string, string>>
}

const target = 'node26'
const format = {
  // Identifiers are kept for readable stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
} as const satisfies BuildOptions

/** Writes the chunks, the entry first, and resolves with their file names. The same sources give the same bytes. */
export async function bundle(project: string, { entry, name, folder, constants }: Bundle): Promise<readonly string[]> {
  // esbuild splits ECMAScript modules only.
  const { outputFiles } = await build({
    ...format,
    absWorkingDir: project,
    entryPoints: { [name]: join(project, entry) },
    outdir: folder,
    chunkNames: `${name}-[hash]`,
    bundle: true,
    splitting: true,
    write: false,
    platform: 'node',
    target,
    format: 'esm',
    keepNames: true,
    // Used only where the sources run from the tree (shared/assets.ts).
    define: { ...constants, 'import.meta.url': 'undefined' },
    logLevel: 'warning',
  })
  for (const { path, text } of outputFiles) writeFileSync(path, await chunk(text))
  return outputFiles.map(({ path }) => basename(path)).sort((a, b) => a.length - b.length || a.localeCompare(b))
}

/**
 * A script whose value is a function with the arguments of a CommonJS module, and with an `import()` that works
 * (src/gateway/plugins/import-file.ts).
 */
async function chunk(text: string): Promise<string> {
  // A script with a code cache cannot import(); require() is the same here.
  const code = await commonJs(text, { supported: { 'dynamic-import': false } })
  return `(function (require, module, exports, importFromDisk) {${code.replace(/^#!.*\n/, '')}\n})`
}

/** cached-script.ts, which has this text, as a script that begins with the chunk `entry`. */
export async function loaderOf(text: string, entry: string): Promise<string> {
  return await commonJs(text, { loader: 'ts', define: { __ENTRY__: JSON.stringify(entry) } })
}

/** In ASCII, since V8 takes two bytes for each character of a script if a single one is not of Latin-1. */
async function commonJs(text: string, options: TransformOptions): Promise<string> {
  const { code } = await transform(text, { ...format, target, format: 'cjs', ...options })
  // esbuild leaves regular expressions as they are.
  return code.replace(/[^\0-\x7f]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
