import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { splitWords } from '../../src/config/words.ts'

test.each<[string, readonly string[]]>([
  ['', []],
  [' \t\n ', []],
  ['one', ['one']],
  ['  a  b\tc\nd ', ['a', 'b', 'c', 'd']],
  [`-Da="two words"`, ['-Da=two words']],
  [`'it is' "so"`, ['it is', 'so']],
  [`''`, ['']],
  [`a "" b`, ['a', '', 'b']],
  [`a''b""c`, ['abc']],
  [`it\\'s`, [`it's`]],
  [`a\\ b`, ['a b']],
  [`\\\\`, ['\\']],
  [`'\\'`, ['\\']],
  [`"\\" \\\\ \\$ \\\` \\n"`, ['" \\ $ ` \\n']],
  [`"it's"`, [`it's`]],
  [`'say "so"'`, ['say "so"']],
  ['a\\\nb', ['ab']],
  ['a \\\n b', ['a', 'b']],
  [`''\\\n`, ['']],
  ['\\\n', []],
  ['"a\\\nb"', ['ab']],
  ["'a\\\nb'", ['a\\\nb']],
  ['"two\nlines"', ['two\nlines']],
  ['$HOME ${X} $(id) `id` * ; | & > # !', ['$HOME', '${X}', '$(id)', '`id`', '*', ';', '|', '&', '>', '#', '!']],
  ['ä\u00a0ö', ['ä\u00a0ö']],
])('%j is split into %j', (text, words) => {
  expect(splitWords(text)).toEqual({ ok: true, words })
})

test.each([
  [`don't`, "'"],
  [`"`, '"'],
  [`"a\\"`, '"'],
  [`'a' "b' c`, '"'],
  ['a\\', '\\'],
])('%j has a quote that is not closed', (text, unclosed) => {
  expect(splitWords(text)).toEqual({ ok: false, unclosed })
})

test('a shell splits quoted text into the same words', () => {
  const random = generator(7)
  const pieces = ['a', 'b', ' ', ' ', "'", "'", '"', '"', '\\', '\\', '\n', '=', '-', '']
  const texts = Array.from({ length: 3000 }, () =>
    Array.from({ length: random(14) }, () => pieces[random(pieces.length)]).join(''),
  )
  const sound = texts.filter((text) => splitWords(text).ok)
  expect(sound.length).toBeGreaterThan(1000)
  // One shell for all: `set --` takes the words as they were split, and printf ends each with a NUL.
  const script = sound.map((text) => `set -- ${joined(text)}\nprintf '%s\\0' "$#" "$@"`).join('\n')
  const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
  expect(stderr).toBe('')
  const said = stdout.split('\0')
  for (const text of sound) {
    const words = said.splice(0, Number(said[0]) + 1).slice(1)
    expect([text, splitWords(text)]).toEqual([text, { ok: true, words }])
  }
})

/** Outside quotes a line end would end the command; any other whitespace separates words as well. */
function joined(text: string): string {
  let quote = ''
  let out = ''
  for (let position = 0; position < text.length; position += 1) {
    const character = text.charAt(position)
    if (character === '\\' && quote !== "'") {
      out += text.slice(position, position + 2)
      position += 1
    } else {
      if (quote === character) quote = ''
      else if (quote === '' && (character === '"' || character === "'")) quote = character
      out += character === '\n' && quote === '' ? ' ' : character
    }
  }
  return out
}

/** Numbers below a limit, the same in each run. */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}
