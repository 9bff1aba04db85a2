import { expect, test } from 'vitest'
import { readVariables } from '../../src/config/environment/variable-file.ts'
import { writable, writeVariables } from '../../src/config/environment/write-variables.ts'
import { generator } from '../support/generator.ts'

const said = (text: string) =>
  readVariables(text).problems.map((problem) => `${problem.line}:${problem.column} ${problem.problem}`)

test.each<[string, string, Record<string, string>]>([
  ['comments, blank lines and export', "# it's\n\n  export A=1 # b\n\t#c\nB=2\n", { A: '1', B: '2' }],
  ['line ends of Windows and a byte order mark', '\uFEFFA=1\r\nB="x\r\ny"\r\n', { A: '1', B: 'x\ny' }],
  ['line ends of both kinds', 'A=1\r\nB="x\r\ny"\nC=3 # c\r\n\r\n', { A: '1', B: 'x\r\ny', C: '3' }],
  [
    'quotes over many lines',
    `A='x\n#no comment\nB=no\n' # end\nC="\\\\n"\n`,
    { A: 'x\n#no comment\nB=no\n', C: '\\n' },
  ],
  ['nothing', '', {}],
  ['an empty value', 'A=\nB=""\nC= # c\n', { A: '', B: '', C: '' }],
  [
    'quotes that a program wrote for a shell',
    `A='it'"'"'s'\nB="'"'a b'\nC='a'"'" # c\nexport D='it'\\''s #1'\nE='a'"'"'b'\n`,
    { A: `it's`, B: `'a b`, C: `a'`, D: `it's #1`, E: `a'b` },
  ],
  [
    'quotes around a part',
    `A=a"b c"d\nPW2="ab#c"d\nC=x'y z'\nD='a'"b"`,
    { A: 'ab cd', PW2: 'ab#cd', C: 'xy z', D: 'ab' },
  ],
  [
    'comments, which begin behind a space,',
    'A=abc#def\nB=#d\nC= #d\nD=a #d\nE="a b"#c  #e #f\nF=a#\n',
    { A: 'abc#def', B: '#d', C: '', D: 'a', E: 'a b#c', F: 'a#' },
  ],
  [
    'backslashes, which keep what stands behind them,',
    'A="a\\"b\\\\n\\$c\\`"\nB=a\\$b # c\nC="{\\"a\\": \\"b\\"}"\nD=value\\ #x\nE="pa\\nss"\nF=\'a\\$b\'\nG=\\\\\n',
    { A: 'a"b\\n$c`', B: 'a$b', C: '{"a": "b"}', D: 'value #x', E: 'pa\\nss', F: 'a\\$b', G: '\\' },
  ],
  ['a backslash before a line end', 'A=ab\\\ncd\nB="ab\\\ncd"\nC=1', { A: 'abcd', B: 'abcd', C: '1' }],
  [
    'references that are none',
    `A='$B'\nB=1 # $A\nC="\\$B" # $A\nD=a$ # a\nE="$"`,
    { A: '$B', B: '1', C: '$B', D: 'a$', E: '$' },
  ],
  ['no line end at the end', 'A=1', { A: '1' }],
  ['an equals sign in the value', 'A=b=c==', { A: 'b=c==' }],
  ['names that JavaScript has itself', '__proto__=1\nconstructor=2', { ['__proto__']: '1', constructor: '2' }],
])('%s are read without a word', (_, text, variables) => {
  expect(readVariables(text)).toEqual({ variables, problems: [] })
})

test.each<[string, Record<string, string>, string[]]>([
  [
    'A=1\nexport\nAB\n-\n',
    { A: '1' },
    ['2:1 is not an assignment', '3:1 is not an assignment', '4:1 is not an assignment'],
  ],
  ['  A B=1', {}, ['1:3 is not an assignment']],
  ['{ "A": 1 }', {}, ['1:1 is not an assignment']],
  ['A=\n"x"\nB=1', { A: '', B: '1' }, ['2:1 is not an assignment']],
  ['A=1\nB=2\n export A=3', { A: '3', B: '2' }, ['3:9 sets A again, overriding line 1']],
  ["PW='it's#1'\nB=2", { PW: "it's#1", B: '2' }, ['1:11 has an unclosed quote']],
  ["A=it's\nB=2", { A: "it's", B: '2' }, ['1:5 has an unclosed quote']],
  ['A="open\nB=2', { A: '"open', B: '2' }, ['1:3 has an unclosed quote']],
  ['A="{"a":"b"}"', { A: '{a:b}' }, ['1:7 has quotes within quotes']],
  ['A={"a":1}', { A: '{a:1}' }, ['1:4 has quotes within quotes or within JSON']],
  ["A='a''b'", { A: 'ab' }, ['1:6 has quotes within quotes']],
  ['A="abc\nB="x"\nC="y"\nD="z', { A: 'abc\nB=x\nC=y\nD=z' }, ['2:5 has quotes within quotes']],
  ['A="a" b', { A: 'a b' }, ['1:6 has a space outside quotes']],
  ['A=x y  # c', { A: 'x y' }, ['1:4 has a space outside quotes']],
  ['A=http://h/?a=1&b=2', { A: 'http://h/?a=1&b=2' }, ['1:16 has one of `; & | < > ( )`']],
  ['A = 1', { A: '1' }, ['1:2 has a space next to `=`']],
  ['A= 1', { A: '1' }, ['1:2 has a space next to `=`']],
  ['A: 1', { A: '1' }, ['1:2 has `:` instead of `=`']],
  ['a.b=1', { 'a.b': '1' }, ['1:1 has a name that no shell can set']],
  ['2=1', { 2: '1' }, ['1:1 has a name that no shell can set']],
  ['A=1\nB=$A$A\nC="x:${A}"', { A: '1', B: '$A$A', C: 'x:${A}' }, ['2:3 has a `$`', '3:6 has a `$`']],
  [
    'A=pa$word$(date)\nB=$1\nC="$$"\nD=$\'a\'',
    { A: 'pa$word$(date)', B: '$1', C: '$$', D: '$a' },
    ['1:5 has a `$`', '1:11 has one of', '2:3 has a `$`', '3:4 has a `$`', '4:3 has a `$`'],
  ],
  ['A="`date`"\nB=a`b', { A: '`date`', B: 'a`b' }, ['1:4 has a backquote', '2:4 has a backquote']],
  ['A=`a\nb` # c\nB=1', { A: 'a\nb', B: '1' }, ['1:3 has its value in backquotes']],
  ['A=~/x\nB=/a:~/b\nC=a~', { A: '~/x', B: '/a:~/b', C: 'a~' }, ['1:3 has a `~`', '2:6 has a `~`']],
  ['A=C:\\dir', { A: 'C:dir' }, ['1:5 has a backslash before a letter']],
  ['A=1\nB=ab\\', { A: '1', B: 'ab\\' }, ['2:5 ends with a lone backslash']],
  ['A=a\rb\nB=1', { A: 'a\rb', B: '1' }, ['1:4 has a carriage return']],
  ['A=1\nB=x\uFFFD', { A: '1', B: 'x\uFFFD' }, ['2:4 contains bytes that are not UTF-8']],
  ['A="\n\0"', { A: '\n\0' }, ['2:1 contains a NUL']],
  [
    'A="1\n2\n3"\nodd line\nB=2\n odd',
    { A: '1\n2\n3', B: '2' },
    ['4:1 is not an assignment', '6:2 is not an assignment'],
  ],
])('what no shell reads so in %j is reported with its line and column', (text, variables, expected) => {
  const read = readVariables(text)
  expect(read.variables).toEqual(variables)
  const found = said(text)
  expect(found).toHaveLength(expected.length)
  for (const [index, start] of expected.entries()) expect(found[index]).toContain(start)
})

test('problems of a line never contain its value', () => {
  const { problems } = readVariables(
    'A=hunter2\nA="hunter2\nhunter2\nB=\uFFFDhunter2\nC=\0hunter2\nD=$hunter2 `hunter2`;hunter2',
  )
  expect(problems.length).toBeGreaterThan(7)
  expect(JSON.stringify(problems)).not.toContain('hunter2')
})

test('a file whose quotes are all left open is read in linear time', () => {
  const text = "PASSWORD='it's'\n".repeat(50_001)
  const { variables, problems } = readVariables(text)
  expect(variables.PASSWORD).toBe("it's")
  expect(problems.length).toBeGreaterThan(50_000)
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
  '\n',
  '\r',
  "'",
  '"',
  '`',
  '\t',
  'é',
  '~',
  '&',
  '\u2028',
  '😀',
]

test('what is written is read back identically, whatever stands in it and around it', () => {
  const random = generator(11)
  const text = () => Array.from({ length: random(9) }, () => alphabet[random(alphabet.length)]).join('')
  for (let round = 0; round < 4000; round += 1) {
    const values = Array.from({ length: 1 + random(5) }, text)
    const variables = Object.fromEntries(values.map((value, index) => [`NAME_${index}`, value]))
    expect(readVariables(writeVariables(variables))).toEqual({ variables, problems: [] })
  }
})

test.each(['\0', '\uD800', '\uFFFD'])('%j cannot be written', (value) => {
  expect(writable(value)).toBe(false)
  expect(() => writeVariables({ A: value })).toThrow('A has a value that cannot be written')
})

test('every line is either read or reported, whatever stands around it', () => {
  const random = generator(5)
  const pieces: readonly [text: string, name: string | undefined, odd: number][] = [
    ['NAME=1', 'NAME', 0],
    ['export NAME="x y" # c', 'NAME', 0],
    ['  NAME: x', 'NAME', 1],
    ["NAME='x\n# y\nZ=1'", 'NAME', 0],
    ['NAME="x\\"\ny" # c', 'NAME', 0],
    ['NAME=`\n`', 'NAME', 1],
    ['NAME=', 'NAME', 0],
    ["# NAME=it's", undefined, 0],
    ['', undefined, 0],
    ['NAME', undefined, 1],
    ['- NAME=1', undefined, 1],
    ['NAME=x#y', 'NAME', 0],
    ['{"NAME": 1},', undefined, 1],
  ]
  for (let round = 0; round < 2000; round += 1) {
    const chosen = Array.from({ length: random(8) }, () => pieces[random(pieces.length)] ?? pieces[0]) as typeof pieces
    const text = chosen.map(([piece], index) => piece.replace('NAME', `N${index}`)).join('\n')
    const { variables, problems } = readVariables(text)
    const names = chosen.flatMap(([, name], index) => (name === undefined ? [] : [`N${index}`]))
    expect([text, Object.keys(variables)]).toEqual([text, names])
    expect([text, problems.length]).toEqual([text, chosen.reduce((sum, [, , odd]) => sum + odd, 0)])
  }
})
