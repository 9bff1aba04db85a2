/** Every file that is read without a warning means the same to the shell of this machine. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readVariables } from '../../src/config/environment/variable-file.ts'
import { writeVariables } from '../../src/config/environment/write-variables.ts'
import { generator } from '../support/generator.ts'

const pieces = [
  'a',
  'Z9',
  ' ',
  '\t',
  '#',
  '$',
  '{',
  '}',
  '=',
  ':',
  '\\',
  'n',
  '\n',
  "'",
  '"',
  "'b c'",
  '"d e"',
  '\\\n',
  '~',
  '!',
  '*',
  '?',
  '[',
  ',',
  'é',
  '"\\n"',
  "'\\''",
  ' # c',
  '&',
  '\nB=',
  '\nexport C=',
  '^',
  '%',
  '@',
  '/',
  '.',
  '-',
]

const known = [
  'A=\n"x"',
  "PW='it's#1'",
  'A="pa\\nss"',
  'A=a"b c"d',
  'A=value\\ #x',
  'A=\\\\',
  'export A=1',
  'A = 1',
  'A=\'a\'"b"',
  'A="a\\\nb"',
  'A=a\\',
  'A=a\\ ',
  'A="a\\!b"',
  'A=*',
  'A=[a]?',
  'A={a,b}',
  'A=!x',
  'A=a$',
  'A="a$ b"',
  'A=$',
  'A=x=~/y',
  "A='a\\'",
  'A=\\"\\\'\\`\\$',
  'A=\\\n#b',
]

test('a shell reads the same from every file that is read without a word', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-sh-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const random = generator(7)
  const made = Array.from(
    { length: 20_000 },
    () =>
      `A=${Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]).join('')}${random(2) ? '\n' : ''}`,
  )
  const values = made.map((text) => writeVariables({ A: text.slice(2), B: 'b' }))
  // A file with warnings is not given to the shell, which might run something.
  const accepted = [...new Set([...known, ...made, ...values.slice(0, 500)])].filter(
    (text) => readVariables(text).problems.length === 0,
  )
  const chosen = accepted.filter(
    (text, index) => known.includes(text) || index % Math.ceil(accepted.length / 800) === 0,
  )
  expect(chosen.length).toBeGreaterThan(600)
  for (const [index, text] of chosen.entries()) writeFileSync(join(folder, `${index}`), text)
  const script = `for n in $(seq 0 ${chosen.length - 1}); do (A= B= C=; . "./$n" >/dev/null 2>&1; printf '%s\\0%s\\0%s\\0' "$A" "$B" "$C"); done`
  const output = execFileSync('sh', ['-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' },
    maxBuffer: 1 << 24,
  })
  const read = output.split('\0')
  for (const [index, text] of chosen.entries()) {
    const { A = '', B = '', C = '' } = readVariables(text).variables
    expect([text, ...read.slice(3 * index, 3 * index + 3)]).toEqual([text, A, B, C])
  }
})
