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
}

/** Writes the bundle; the same sources give the same bytes. Resolves with its size in bytes. */
export async function bundle(project: string, { entry, file, constants }: Bundle): Promise<number> {
  await build({
    absWorkingDir: project,
    entryPoints: [join(project, entry)],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    // A code-cached script cannot import(); require() of a builtin is the same here.
    supported: { 'dynamic-import': false },
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
