import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { commandWords } from '../../src/cli/plan/plan-words.ts'

const odd = [
  '',
  'a b',
  '$HOME',
  '*',
  "it's",
  'a;b|c&d',
  '#x',
  '`id`',
  '~',
  'a\\b',
  '\n',
  "tab\tit's\\",
  '\u001b[31m',
  '"',
]

it('writes a command as a shell reads it, without anything that steers a terminal', () => {
  const words = commandWords(odd)
  expect(words).not.toMatch(/\p{Cc}/u)
  const { stdout } = spawnSync('bash', ['-c', `printf '%s\\0' ${words}`], { encoding: 'utf8' })
  expect(stdout.split('\0').slice(0, -1)).toEqual(odd)
})

it('leaves plain words as they are', () => {
  const plain = ['java', '-jar', '--port={port}', '/srv/app_1.jar', 'user@host:80', 'a,b+c%d']
  expect(commandWords(plain)).toBe(plain.join(' '))
})
