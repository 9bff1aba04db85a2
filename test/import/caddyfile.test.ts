/**
 * Each `test/import/caddyfiles/NAME.caddyfile` is imported; `NAME.expected` holds the output: the findings with their
 * places, then our YAML. Whatever comes out passes `gatehouse check`, files that this machine lacks left aside.
 *
 * UPDATE_GOLDEN=1 writes the current output; read every changed line.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostics.ts'
import { importFiles } from '../../src/import/import-files.ts'
import { findingLines } from '../../src/import/report.ts'
import { verify } from '../../src/import/verify.ts'
import { yamlText } from '../../src/import/yaml-text.ts'

const folder = join(import.meta.dirname, 'caddyfiles')
const names = readdirSync(folder).filter((name) => name.endsWith('.caddyfile'))

function importText(file: string, text: string) {
  const around = { readFile: () => undefined, glob: () => [], environment: {} }
  const { config, comments, findings } = importFiles([{ file, text, kind: 'caddyfile' }], around)
  return { findings, yaml: yamlText({ version: 1, ...config }, comments, []) }
}

describe('translations', () => {
  test.each(names)('%s', (name) => {
    const { findings, yaml } = importText(name, readFileSync(join(folder, name), 'utf8'))
    const said = `${findingLines(findings).join('\n')}\n\n${yaml}\n`
    const file = join(folder, name.replace(/caddyfile$/, 'expected'))
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, said)
    expect(said).toBe(readFileSync(file, 'utf8'))
    expect(verify(join(folder, 'new.yaml'), yaml, {}).errors.map(formatDiagnostic)).toEqual([])
  })

  it('every expected result belongs to a Caddyfile', () => {
    const expected = readdirSync(folder).filter((name) => name.endsWith('.expected'))
    expect(expected.map((name) => name.replace(/expected$/, 'caddyfile')).sort()).toEqual(names.sort())
  })
})
