/**
 * Writes what is generated from the sources: `config/gatehouse.schema.json`. With `--check` it writes nothing and
 * fails if that file is not what would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configJsonSchema } from '../src/config/json-schema.ts'

const file = fileURLToPath(new URL('../config/gatehouse.schema.json', import.meta.url))
const text = `${JSON.stringify(configJsonSchema(), null, 2)}\n`

if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
} else if (present() !== text) {
  console.error('config/gatehouse.schema.json is stale: run `npm run generate` and commit what it writes')
  process.exitCode = 1
}

function present(): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
