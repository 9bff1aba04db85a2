/** Random texts: each is read or refused in time, and none throws an exception. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostics.ts'
import { readCaddyfile } from '../../src/import/caddy/read-caddyfile.ts'
import { verify } from '../../src/import/verify.ts'
import { yamlText } from '../../src/import/yaml-text.ts'

const folder = join(import.meta.dirname, 'caddyfiles')
const samples = readdirSync(folder)
  .filter((name) => name.endsWith('.caddyfile'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))

/** Numbers by chance, the same in every run (mulberry32). */
function chance(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

function importAndWrite(text: string): string {
  const { config, comments, findings } = readCaddyfile({
    file: 'f',
    text,
    readFile: () => text,
    glob: () => ['f'],
    environment: {},
  })
  const yaml = yamlText({ version: 1, ...config }, comments, [])
  const lines = text.split('\n').length
  for (const { line, column } of findings) {
    expect(line).toBeGreaterThan(0)
    expect(line).toBeLessThanOrEqual(lines)
    expect(column).toBeGreaterThan(0)
  }
  return yaml
}

/** Nothing to do is what an unreadable file leaves; two listeners on one port may stand in the Caddyfile as well. */
function mistakesIn(yaml: string): readonly string[] {
  const { errors } = verify(join(folder, 'new.yaml'), yaml, {})
  return errors.filter(({ code }) => code !== 'nothing-to-do' && code !== 'address-clash').map(formatDiagnostic)
}

const pieces = [
  '{',
  '}',
  '\n',
  ' ',
  '"',
  '`',
  '\\',
  '#',
  '@a',
  '*',
  '/',
  '/*',
  '{$',
  '{args[0]}',
  '{$A:b}',
  '<<X',
  'import x',
  'not',
  'handle',
  ',',
  '-',
  '=404',
  '${',
  '\0',
  '😀',
  '\r\n',
]

it('files that were cut, doubled and strewn with odd pieces: what comes of them passes `gatehouse check`', {
  timeout: 60_000,
}, () => {
  const random = chance(20_261_123)
  for (let round = 0; round < 800; round += 1) {
    let text = samples[random(samples.length)] ?? ''
    for (let change = random(6); change >= 0; change -= 1) {
      const at = random(text.length + 1)
      const end = at + random(40)
      const piece = pieces[random(pieces.length)] ?? ''
      const kind = random(4)
      if (kind === 0) text = text.slice(0, at) + piece + text.slice(at)
      else if (kind === 1) text = text.slice(0, at) + text.slice(end)
      else if (kind === 2) text = text.slice(0, at) + text.slice(at, end) + text.slice(at)
      else text = text.slice(0, at) + piece + text.slice(end)
    }
    expect(mistakesIn(importAndWrite(text)), text).toEqual([])
  }
})

it.each([
  ['braces', `:80 ${'a {\n'.repeat(50_000)}`],
  ['one long word', `:80 {\n${'a'.repeat(1_000_000)}\n}`],
  ['one long path', `:80 {\nredir /${'a*'.repeat(200_000)} /b\n}`],
  ['one long expression', `:80 {\n@x path_regexp ^/${'\\.(a|'.repeat(50_000)}$\nheader @x A b\n}`],
  ['spaces in an expression', `:80 {\n@x expression \`${' '.repeat(300_000)}\`\nheader @x A b\n}`],
  ['many variables', `:80 {\nheader A "${'{$A:'.repeat(100_000)}"\n}`],
  ['many placeholders', `:80 {\nheader A "${'{a.b[c'.repeat(100_000)}"\n}`],
  ['many directives', `:80 {\n${'header A b\n'.repeat(20_000)}}`],
  [
    'conditions that multiply',
    `:80 {\n${Array.from({ length: 60 }, (_, n) => `header @h${n} A${n} b\n@h${n} header H${n} x`).join('\n')}\nreverse_proxy a:1\n}`,
  ],
  [
    'many paths',
    `:80 {\n@p path ${Array.from({ length: 2_000 }, (_, n) => `/p${n}/*`).join(' ')}\nhandle @p {\nreverse_proxy a:1\n}\n}`,
  ],
  [
    'a snippet that doubles',
    `(a) {\nheader A b\n}\n${Array.from({ length: 30 }, (_, n) => `(s${n}) {\nimport ${n === 0 ? 'a' : `s${n - 1}`}\nimport ${n === 0 ? 'a' : `s${n - 1}`}\n}`).join('\n')}\n:80 {\nimport s29\n}`,
  ],
  ['a file that imports itself', ':80 {\nimport f\n}'],
  [
    'many sites',
    Array.from({ length: 1_000 }, (_, n) => `http://h${n}.test {\nreverse_proxy a:${n + 1}\n}`).join('\n'),
  ],
])('%s', { timeout: 30_000 }, (_, text) => {
  importAndWrite(text)
})
