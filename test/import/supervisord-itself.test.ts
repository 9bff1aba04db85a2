/**
 * Our readers of supervisord's formats against supervisord's own, on texts by chance: whatever a file holds, both read
 * the same.
 */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { expand } from '../../src/import/supervisord/expansion.ts'
import { readFiles } from '../../src/import/supervisord/files.ts'
import { keysOf } from '../../src/import/supervisord/keys.ts'
import { variablesOf } from '../../src/import/supervisord/variables.ts'
import { splitCommand } from '../../src/import/terms/words.ts'
import { part } from '../parts.ts'

/**
 * Reads a list of texts on stdin and answers with what supervisord's own functions make of each; null for what it
 * refuses.
 */
const theirs = `
import json, shlex, sys
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import UnhosedConfigParser, expand
def ini(text):
    parser = UnhosedConfigParser()
    parser.read_string(text)
    return {name: dict(parser.items(name)) for name in parser.sections()}
read = {'ini': ini, 'words': shlex.split, 'variables': dict_of_key_value_pairs,
  'expansion': lambda text: expand(text, {'a': 'A', 'n': 7, 'ENV_X': 'x'}, 'key')}[sys.argv[1]]
def attempt(text):
    try:
        return read(text)
    except Exception:
        return None
print(json.dumps([attempt(text) for text in json.load(sys.stdin)]))
`

function asked(what: string, texts: readonly string[]): readonly unknown[] {
  // The Python that Debian's supervisor was installed for, whatever else PATH has.
  const answer = execFileSync('/usr/bin/python3', ['-c', theirs, what], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
  })
  return JSON.parse(answer)
}

/** Reproducible: the same texts in each run. */
function byChance(count: number, pieces: readonly string[], most: number, between = ''): readonly string[] {
  let seed = 42
  const next = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % below
  }
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + next(most) }, () => pieces[next(pieces.length)]).join(between),
  )
}

const noReport = () => {}

function ourIni(text: string): unknown {
  let refused = false
  const source = { file: 'x.conf', text, readFile: () => undefined, glob: () => [], environment: {} }
  const sections = readFiles([source], () => {
    refused = true
  })
  if (refused) return null
  return Object.fromEntries(
    sections.map(({ name, entries }) => [name, Object.fromEntries(entries.map(({ key, value }) => [key, value]))]),
  )
}

function ourVariables(text: string): unknown {
  let refused = false
  const at = { file: 'x.conf', line: 1, column: 1 }
  const entries = [{ key: 'environment', value: text.replaceAll('%', '%%'), at }]
  const variables = variablesOf(keysOf({ name: 'program:x', at, entries }, {}, noReport), () => {
    refused = true
  })
  return refused ? null : Object.fromEntries(variables)
}

describe.skipIf(!part('supervisord'))('as supervisord itself reads', () => {
  it('files, with comments, continued lines, and sections and keys that come twice', () => {
    const lines = [
      '[a]',
      '[a]',
      '[program:x]',
      '  [b] ; why',
      '[c',
      '[x] trailing',
      '[a]b]',
      '[]',
      'key=value',
      'key : value',
      'k = a ; comment',
      'k=a;b',
      'k=a #b',
      'K=v',
      'k=',
      'k',
      '=x',
      'k==v',
      'k=:v',
      ' indented=1',
      '  continued',
      '\tcontinued # not this',
      '    deeper = 2',
      '# comment',
      '  ; comment',
      '',
      '   ',
      'two words = v',
      'a]b=1',
      'k=%(here)s',
      'k="a ; b"',
    ]
    const texts = [
      ...byChance(3_000, lines, 7, '\n').map((text) => `[first]\n${text}`),
      ...byChance(300, lines, 4, '\r\n'),
    ]
    expect(texts.map(ourIni)).toEqual(asked('ini', texts))
  })

  it('commands', () => {
    const texts = byChance(
      3_000,
      ['a', 'b c', ' ', '  ', '\n', '\t', '"', '"', "'", "'", '\\', '\\\\', '$', '#', ';', '{x}', '=', 'é'],
      9,
    )
    const ours = texts.map((text) => {
      const split = splitCommand(text)
      return split.ok ? split.words.map(({ text: word }) => word) : null
    })
    expect(ours).toEqual(asked('words', texts))
  })

  it('lists of variables', () => {
    const pieces = [
      'A',
      'B1',
      '_C',
      '=',
      '=',
      ',',
      ',',
      ' ',
      '\n',
      '"',
      '"',
      "'",
      "'",
      'x y',
      '/usr/bin:/bin',
      'a-b',
      '#',
      '@',
      '5',
    ]
    const texts = [
      ...byChance(3_000, pieces, 9),
      ...byChance(500, ['A="1"', "B='x,y'", 'C=a/b', ',', ', ', '\n', ' '], 7),
    ]
    const theirOwn = asked('variables', texts)
    const names = (read: unknown) => Object.keys(read ?? {}).every((name) => /^[A-Za-z_]\w*$/.test(name))
    // Names that no variable can have are refused by us alone.
    for (const [index, text] of texts.entries())
      if (names(theirOwn[index])) expect({ text, read: ourVariables(text) }).toEqual({ text, read: theirOwn[index] })
      else expect({ text, read: ourVariables(text) }).toEqual({ text, read: null })
  })

  it('what follows a `%`', () => {
    // But for a bare `%s`, for which Python prints all that it knows, secrets included.
    const texts = byChance(
      2_000,
      [
        '%',
        '%%',
        '%(a)s',
        '%(n)d',
        '%(n)03d',
        '%(n)s',
        '%(a)d',
        '%(missing)s',
        'text',
        ' ',
        '(',
        ')s',
        '%(n)5d',
        '%(a)5s',
      ],
      4,
    )
    const ours = texts.map((text) => {
      const expansion = expand(text, { a: 'A', n: 7, ENV_X: 'x' })
      return expansion.ok ? expansion.text : null
    })
    expect(ours).toEqual(asked('expansion', texts))
  })
})
