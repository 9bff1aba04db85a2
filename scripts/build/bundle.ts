/** Bundles the sources and the packages that they import into one CommonJS script. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

export interface Bundle {
  /** Relative to the project. */
  readonly entry: string
  /** Absolute. */
  readonly file: string
  /** Identifiers that are replaced by the JSON text of a value. */
  readonly constants: Readonly<Record<string, string>>
  /** Packages that are bundles of their own, which the bundle requires when it needs them. */
  readonly separate?: readonly string[]
  /** Whether `import()` is kept: it works in the script that a thread is started with. */
  readonly imports?: true
}

/** Writes the bundle; the same sources give the same bytes. Resolves with its size in bytes. */
export async function bundle(project: string, parts: Bundle): Promise<number> {
  const { entry, file, constants, separate = [], imports = false } = parts
  await build({
    absWorkingDir: project,
    entryPoints: [join(project, entry)],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    // A code-cached script cannot import(); require() of a builtin is the same here.
    supported: { 'dynamic-import': imports },
    external: [...separate],
    // Identifiers are kept for readable stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: true,
    legalComments: 'none',
    // Used only where the sources run from the tree (shared/assets.ts).
    define: { ...constants, 'import.meta.url': 'undefined' },
    logLevel: 'warning',
  })
  return statSync(file).size
}
