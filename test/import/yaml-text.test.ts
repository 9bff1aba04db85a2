/** The file that is written holds what was meant, whatever is in it, for any reader of YAML. */
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { Entries, Value } from '../../src/import/reading.ts'
import { yamlText } from '../../src/import/yaml-text.ts'

/** Texts that are something else without quotes, here or in YAML 1.1, and characters that end a plain text. */
const texts = [
  '',
  ' ',
  '~',
  '-',
  '--',
  '.',
  '...',
  '---',
  'no',
  'Yes',
  'ON',
  'null',
  'true',
  'False',
  '0',
  '1',
  '-1',
  '+1',
  '0x1f',
  '0o17',
  '017',
  '1e3',
  '1.5',
  '.5',
  '.inf',
  '-.INF',
  '.NaN',
  '1_000',
  '12:30:45',
  '2026-11-23',
  '<<',
  '=',
  'a: b',
  'a:',
  ':a',
  'a:b',
  'a #b',
  '#a',
  'a#b',
  "it's",
  '"',
  '\\',
  '\n',
  'a\nb',
  '\t',
  'é',
  '😀',
  '\u2028',
  '\u0007',
  '{a}',
  '[a]',
  'a,b',
  '*a',
  '&a',
  '!a',
  '|',
  '>',
  '%a',
  '@a',
  '`a`',
  '?',
  '? a',
  '- a',
  '-a',
  '${A:-b}',
  '/api/*',
  'https://{host}{uri}',
  'x'.repeat(200),
  'a b '.repeat(60),
]

describe('YAML', () => {
  it.each([1.1, 1.2] as const)(
    'of every text is that text again, as a key and as a value, in version %s',
    (version) => {
      const config: Entries = {
        inLine: { list: texts.slice(0, 5), mapping: { a: '1' } },
        lines: [...texts],
        values: Object.fromEntries(texts.map((text, index) => [`k${index}`, text])),
        keys: Object.fromEntries(texts.map((text, index) => [`${text} `, index])),
        deep: [[{ a: [], b: {}, c: null, d: true, e: 8080 }], { f: [{ g: texts.map((text) => ({ text })) }] }],
      }
      expect(parse(yamlText(config, [], []), { version: String(version) as '1.1' | '1.2', merge: false })).toEqual(
        config,
      )
    },
  )

  it('of values by chance is those values again', () => {
    let seed = 7
    const next = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    const value = (depth: number): Value => {
      const kind = next(depth > 4 ? 3 : 6)
      if (kind < 2) return texts[next(texts.length)] ?? ''
      if (kind === 2) return next(70_000)
      if (kind === 3) return Array.from({ length: next(5) }, () => value(depth + 1))
      return Object.fromEntries(Array.from({ length: next(5) }, (_, index) => [`key${index}`, value(depth + 1)]))
    }
    for (let round = 0; round < 200; round += 1) {
      const config = { a: value(0), b: value(0) }
      expect(parse(yamlText(config, [{ path: ['a'], text: 'one\ntwo' }], ['head']))).toEqual(config)
    }
  })

  it('has what fits in a line in one line, and comments above what they are about', () => {
    const config: Entries = {
      version: 1,
      gateway: {
        routes: [
          { path: '/a', to: 'a' },
          { path: '/b', to: 'b' },
          { path: ['/c', '/d'], files: { root: `/${'x'.repeat(80)}` } },
        ],
      },
      processes: {
        a: { command: ['run', ...Array.from({ length: 30 }, (_, index) => `word-${index}`)] },
        b: { command: ['b'] },
      },
      shutdown: { budget: '20s' },
      log: { level: 'warn' },
    }
    const comments = [
      { path: ['gateway', 'routes', 1], text: 'from Caddyfile:7' },
      { path: ['processes', 'a'], text: 'from a.conf:1\nsecond line' },
      { path: ['processes', 'b', 'command'], text: 'deep' },
    ]
    expect(yamlText(config, comments, ['Head.'])).toBe(`# Head.
version: 1

gateway:
  routes:
    - { path: /a, to: a }
    # from Caddyfile:7
    - { path: /b, to: b }
    - path: [/c, /d]
      files: { root: /${'x'.repeat(80)} }

processes:
  # from a.conf:1
  # second line
  a:
    command: [run, word-0, word-1, word-2, word-3, word-4, word-5, word-6, word-7, word-8, word-9, word-10,
      word-11, word-12, word-13, word-14, word-15, word-16, word-17, word-18, word-19, word-20, word-21,
      word-22, word-23, word-24, word-25, word-26, word-27, word-28, word-29]
  b:
    # deep
    command: [b]

shutdown: { budget: 20s }
log: { level: warn }
`)
  })
})
