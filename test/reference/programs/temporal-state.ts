/** What the real one keeps in PostgreSQL: files in the volume say that it is there. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(process.env.GATEHOUSE_STACKS ?? '', 'data/temporal-stand-in')

export function temporalFile(name: 'schema' | 'namespace' | 'attribute'): string {
  return join(folder, name)
}

export function remember(name: 'schema' | 'namespace' | 'attribute'): void {
  mkdirSync(folder, { recursive: true })
  writeFileSync(temporalFile(name), '')
}
