/**
 * Generates the JSON schema for editors and the reference page from the sources, and the table of media types from
 * mime-db. With `--check` it writes nothing, and fails if a file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { configJsonSchema } from '../src/config/json-schema.ts'
import { mediaTypesModule } from './generate/media-types.ts'
import { referencePage } from './generate/reference.ts'

const generated = {
  'config/gatehouse.schema.json': `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'docs/reference.md': referencePage(),
  'src/gateway/files/media-types.ts': mediaTypesModule(),
}

for (const [name, text] of Object.entries(generated)) {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url))
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text)
  } else if (present(file) !== text) {
    console.error(`${name} is stale: run \`npm run generate\` and commit the result`)
    process.exitCode = 1
  }
}

function present(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
