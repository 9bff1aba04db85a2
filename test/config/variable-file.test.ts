import { parse } from 'dotenv'
import { expect, test } from 'vitest'
import { readVariables, writable, writeVariables } from '../../src/config/variable-file.ts'

const said = (text: string) => readVariables(text).oddities.map(({ line, problem }) => `${line} ${problem}`)

test.each<[string, string, Record<string, string>]>([
  ['comments, blank lines and export', '# a\n\n  export A=1 # b\n\t#c\nB: 2\nC =3\n', { A: '1', B: '2', C: '3' }],
  ['line ends of Windows and a byte order mark', '\uFEFFA=1\r\nB="x\r\ny"\r\n', { A: '1', B: 'x\ny' }],
  ['quotes over many lines', `A='x\n#no comment\nB=no\n' # end\nC="\\n"\n`, { A: 'x\n#no comment\nB=no\n', C: '\n' }],
  ['nothing', '', {}],
  ['an empty value', 'A=\nB=""', { A: '', B: '' }],
  ['a quote inside of a value', `A=it's\nB='it's'`, { A: `it's`, B: `it's` }],
  [
    'quotes that a program wrote for a shell',
    `A='it'"'"'s'\nB="'"'a b'\nC='a'"'" # c\nexport D='it'\\''s #1'\nE='a'"'"'b'\n`,
    { A: `it's`, B: `'a b`, C: `a'`, D: `it's #1`, E: `a'b` },
  ],
  ['quotes inside of their own kind', `A="{"a":"b"}"\nB='a''b'`, { A: '{"a":"b"}', B: `a''b` }],
  [
    'comments, which begin behind a space,',
    'A=abc#def\nB=#d\nC= #d\nD=a #d\nE=a b#c d  #e #f\nF=a#\n',
    { A: 'abc#def', B: '#d', C: '', D: 'a', E: 'a b#c d', F: 'a#' },
  ],
  [
    'backslashes, which keep `$` as it is, and in double quotes what else they keep for shells and Compose,',
    'A="a\\"b\\\\n\\$c\\`"\nB=a\\$b # c\nC="{\\"a\\": \\"b\\"}"\nD=a\\b\nE="a\\b\\n"\nF=\'a\\$b\'\n',
    { A: 'a"b\\n$c`', B: 'a$b', C: '{"a": "b"}', D: 'a\\b', E: 'a\\b\n', F: 'a\\$b' },
  ],
  ['references to what is nowhere', 'A=$B\nC="${D}"\n', { A: '$B', C: '${D}' }],
  [
    'references within single quotes, behind backslashes and in comments',
    `A='$B'\nB=1 # $A\nC="\\$B" # $A`,
    { A: '$B', B: '1', C: '$B' },
  ],
  ['no line end at the end', 'A=1', { A: '1' }],
])('%s are read without a word', (_, text, variables) => {
  expect(readVariables(text)).toEqual({ variables, oddities: [] })
})

test.each([
  ['A=1\nexport\nAB\n-\n', ['3 is no assignment', '2 is no assignment', '4 is no assignment']],
  ['A B=1', ['1 is no assignment']],
  ['{ "A": 1 }', ['1 is no assignment']],
  ['A=1\nB=2\nA=3\nexport A=4', ['3 gives A again, and wins over line 1', '4 gives A again, and wins over line 1']],
  ['A="open\nB=2', ['1 has a quote that does not enclose']],
  ['A="a" b', ['1 has a quote that does not enclose']],
  ["A='a' 'b", ['1 has a quote that does not enclose']],
  ['A=1\nB=$A$A\nC="x:${A}"', ['2 has `$` and the name', '3 has `$` and the name']],
  ['A=1\nB=\uFFFD', ['2 has bytes that are not UTF-8']],
  ['A="\n\0"', ['2 has a NUL']],
  ['A="1\n2\n3"\nodd line\nB=`\n`\nodd', ['4 is no assignment', '7 is no assignment']],
])('what is odd in %j is told with its line', (text, expected) => {
  const found = said(text)
  expect(found).toHaveLength(expected.length)
  for (const start of expected) expect(found).toContainEqual(expect.stringContaining(start))
})

test('what is said of a line holds nothing of its value', () => {
  const { oddities } = readVariables('A=hunter2\nA="hunter2\nhunter2\nB=\uFFFDhunter2\nC=\0hunter2')
  expect(oddities).toHaveLength(5)
  expect(JSON.stringify(oddities)).not.toContain('hunter2')
})

const alphabet = [
  'a',
  'Z',
  '0',
  ' ',
  '#',
  '$',
  '{',
  '}',
  '=',
  ':',
  '\\',
  'n',
  'r',
  '\n',
  '\r',
  "'",
  '"',
  '`',
  '\t',
  'é',
  '\u2028',
  '\u{1F600}',
]

test('what is written is read back identically, whatever stands in it and around it', () => {
  const random = generator(11)
  const text = () => Array.from({ length: random(9) }, () => alphabet[random(alphabet.length)]).join('')
  let written = 0
  for (let round = 0; round < 4000; round += 1) {
    const values = Array.from({ length: 1 + random(5) }, text).filter(writable)
    written += values.length
    const variables = Object.fromEntries(values.map((value, index) => [`NAME_${index}`, value]))
    expect(readVariables(writeVariables(variables))).toEqual({ variables, oddities: [] })
  }
  expect(written).toBeGreaterThan(8000)
})

test.each([
  '',
  'plain',
  ' padded ',
  `it's`,
  'say "so"',
  `it's "so"`,
  'two\nlines',
  'a#b',
  '$HOME ${X}',
  '\\n',
  'C:\\',
  '\r\n',
  '{"a": "b"}',
  '-----BEGIN KEY-----\nab+/=\n-----END KEY-----\n',
])('%j can be written', (value) => {
  expect(parse(writeVariables({ A: value, B: 'b' }))).toEqual({ A: value, B: 'b' })
})

test.each([`'"\`#`, '\0', '\uD800', `'"\`\n`])('%j cannot be written', (value) => {
  expect(writable(value)).toBe(false)
  expect(() => writeVariables({ A: value })).toThrow('A has a value that cannot be written')
})

test('every line is either read or told of, whatever stands around it', () => {
  const random = generator(5)
  const pieces: readonly [text: string, name: string | undefined, odd: number][] = [
    ['NAME=1', 'NAME', 0],
    ['export NAME = x y # c', 'NAME', 0],
    ['  NAME: x', 'NAME', 0],
    ["NAME='x\n# y\nZ=1'", 'NAME', 0],
    ['NAME="x\\"\ny" # c', 'NAME', 0],
    ['NAME=`\n`', 'NAME', 0],
    ["NAME='it's'", 'NAME', 0],
    ['NAME=', 'NAME', 0],
    ['# NAME=1', undefined, 0],
    ['', undefined, 0],
    ['NAME', undefined, 1],
    ['- NAME=1', undefined, 1],
    ['NAME=x#y', 'NAME', 0],
    ['{"NAME": 1},', undefined, 1],
  ]
  for (let round = 0; round < 2000; round += 1) {
    const chosen = Array.from({ length: random(8) }, () => pieces[random(pieces.length)] ?? pieces[0]) as typeof pieces
    const text = chosen.map(([piece], index) => piece.replace('NAME', `N${index}`)).join('\n')
    const { variables, oddities } = readVariables(text)
    const names = chosen.flatMap(([, name], index) => (name === undefined ? [] : [`N${index}`]))
    expect([text, Object.keys(variables)]).toEqual([text, names])
    expect([text, oddities.length]).toEqual([text, chosen.reduce((sum, [, , odd]) => sum + odd, 0)])
  }
})

/** Numbers below a limit, the same in each run. */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}
