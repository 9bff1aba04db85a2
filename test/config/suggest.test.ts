import { expect, test } from 'vitest'
import { nearest, suggestion } from '../../src/config/hints/suggest.ts'

test.each([
  ['upstrem', 'upstream'],
  ['upstraem', 'upstream'],
  ['Upstream', 'upstream'],
  ['to', 'to'],
  ['too', 'to'],
  ['cert', 'certificate'],
])('%s was meant to be %s', (written, meant) => {
  expect(nearest(written, ['listener', 'upstream', 'to', 'certificate'])).toBe(meant)
})

test.each(['xyz', 'up', 'certain'])('nothing is near to %s', (written) => {
  expect(
    nearest(
      written,
      ['listener', 'upstream', 'to', 'certificate'].filter((word) => word !== 'to'),
    ),
  ).toBeUndefined()
})

test('without a near one all are listed', () => {
  expect(suggestion('xyz', ['one', 'two'], 'keys')).toBe('known keys: `one`, `two`')
  expect(suggestion('xyz', [], 'keys')).toBeUndefined()
})
