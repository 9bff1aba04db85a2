import { readFileSync } from 'node:fs'
import { getAsset, isSea } from 'node:sea'
import { fileURLToPath } from 'node:url'
import { GatehouseError } from './errors.ts'

/** Files that travel with the program: embedded in the single executable, beside the sources otherwise. */
export type AssetName = 'gateway-thread.js' | 'plan-reader.js'

/** True in the single executable, where no source file exists on disk. */
export const isSingleExecutable = isSea()

/** The text of an embedded asset. Only the single executable has them; sources are read from the tree. */
export function embeddedAsset(name: AssetName): string {
  if (!isSingleExecutable)
    throw new GatehouseError('asset-missing', `the asset ${name} exists only in the built binary`)
  return getAsset(name, 'utf8')
}

/** The version in package.json; the build replaces `__GATEHOUSE_VERSION__`, because the binary has no such file. */
export function version(): string {
  if (typeof __GATEHOUSE_VERSION__ === 'string') return __GATEHOUSE_VERSION__
  const manifest = JSON.parse(readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8')) as {
    version: string
  }
  return manifest.version
}

declare const __GATEHOUSE_VERSION__: string | undefined
