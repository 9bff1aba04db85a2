import { expect, test } from 'vitest'
import { interpolate } from '../../src/config/environment/interpolate.ts'

const variables = { NAME: 'value', EMPTY: '', BRACE: '${NAME}' }

test.each([
  ['plain', 'plain'],
  ['${NAME}', 'value'],
  ['a${NAME}b${NAME}c', 'avaluebvaluec'],
  ['${NONE:-x}', 'x'],
  ['${EMPTY:-x}', 'x'],
  ['${NONE:-}', ''],
  ['${NONE:-${NAME}!}', 'value!'],
  ['${NONE:-${ALSO:-${NAME}}}', 'value'],
  ['${NAME:-${NONE}x}', 'value'],
  ['${NONE:-a:-b}', 'a:-b'],
  ['$${NAME}', '${NAME}'],
  ['$NAME $$ $', '$NAME $$ $'],
  ['{NAME}', '{NAME}'],
  ['${BRACE}', '${NAME}'],
])('%s becomes %s', (text, expected) => {
  expect(interpolate(text, variables)).toEqual({ ok: true, text: expected })
})

test.each([
  ['${NONE}', 'NONE'],
  ['${EMPTY}', 'EMPTY'],
  ['${NONE:-${ALSO}x}', 'ALSO'],
  ['${FIRST}${SECOND}', 'FIRST'],
  ['${constructor}', 'constructor'],
])('%s names the variable that is not set', (text, name) => {
  expect(interpolate(text, variables)).toEqual({ ok: false, problem: 'not-set', name })
})

test.each(['${', '${}', '${NAME', '${1}', '${NA-ME}', '${NAME:-x', '${NAME:-${NAME}', '${ NAME }', '${NAME:x}'])(
  '%s is malformed',
  (text) => {
    expect(interpolate(text, variables)).toEqual({ ok: false, problem: 'malformed' })
  },
)
