import { describe, expect, it } from 'vitest'
import { evaluate, isConditional, isPartOf } from '../../../src/gateway/files/conditions.ts'

const date = 'Tue, 14 Nov 2023 22:13:20 GMT'
const modified = Date.parse(date)
const [earlier, later] = ['Tue, 14 Nov 2023 22:13:19 GMT', 'Tue, 14 Nov 2023 22:13:21 GMT']
const strong = { etag: '"a"', modified }
const known = { notModified: '"a"' }

describe('conditions', () => {
  it.each([
    [{}, 'send'],
    [{ 'if-none-match': '"a"' }, known],
    [{ 'if-none-match': 'W/"a"' }, known],
    [{ 'if-none-match': '"b", "a"' }, known],
    [{ 'if-none-match': '"b,\\"a"' }, 'send'],
    [{ 'if-none-match': '"b","c"' }, 'send'],
    [{ 'if-none-match': 'a' }, 'send'],
    [{ 'if-none-match': '*' }, known],
    [{ 'if-none-match': ' * ' }, known],
    [{ 'if-none-match': '' }, 'send'],
    [{ 'if-modified-since': date }, known],
    [{ 'if-modified-since': later }, known],
    [{ 'if-modified-since': earlier }, 'send'],
    [{ 'if-modified-since': 'yesterday' }, 'send'],
    [{ 'if-modified-since': '2023-11-14' }, 'send'],
    // Date.parse reads these, too, and the last one as two hours earlier.
    [{ 'if-modified-since': `x ${later}` }, 'send'],
    [{ 'if-modified-since': `${later} (x)` }, 'send'],
    [{ 'if-modified-since': `${later}-0200` }, 'send'],
    [{ 'if-modified-since': 'Tue, 14 Foo 2023 22:13:21 GMT' }, 'send'],
    [{ 'if-unmodified-since': 'Tue, 14 Foo 2023 22:13:19 GMT' }, 'send'],
    // A tag says more than a date (RFC 9110 §13.1.3).
    [{ 'if-none-match': '"b"', 'if-modified-since': date }, 'send'],
    [{ 'if-match': '"a"' }, 'send'],
    [{ 'if-match': '*' }, 'send'],
    [{ 'if-match': 'W/"a"' }, 'precondition-failed'],
    [{ 'if-match': '"b"' }, 'precondition-failed'],
    [{ 'if-match': '"b"', 'if-unmodified-since': date }, 'precondition-failed'],
    [{ 'if-unmodified-since': earlier }, 'precondition-failed'],
    [{ 'if-unmodified-since': date }, 'send'],
    [{ 'if-match': '"a"', 'if-unmodified-since': earlier, 'if-none-match': '"a"' }, known],
  ])('%j of a strong tag and a date are answered with %j', (headers, verdict) => {
    expect(evaluate(headers, strong)).toEqual(verdict)
  })

  it('cannot be met strongly by a weak tag, nor by a date that there is not', () => {
    const weak = { etag: 'W/"a"' }
    expect(evaluate({ 'if-match': 'W/"a"' }, weak)).toBe('precondition-failed')
    expect(evaluate({ 'if-none-match': '"a"' }, weak)).toEqual({ notModified: 'W/"a"' })
    expect(evaluate({ 'if-modified-since': later }, weak)).toBe('send')
    expect(evaluate({ 'if-unmodified-since': earlier }, weak)).toBe('send')
  })

  it('name the copy that is still good, where there may be two', () => {
    const two = { etag: '"a-br"', alsoCurrent: [undefined, '"a"'], modified }
    expect(evaluate({ 'if-none-match': '"a"' }, two)).toEqual({ notModified: '"a"' })
    expect(evaluate({ 'if-none-match': '"a", "a-br"' }, two)).toEqual({ notModified: '"a-br"' })
    expect(evaluate({ 'if-none-match': '"a-gzip"' }, two)).toBe('send')
    expect(evaluate({ 'if-match': '"a"' }, two)).toBe('send')
  })
})

it.each([
  [{}, false],
  [{ 'if-none-match': '"a"' }, true],
  [{ 'if-modified-since': date }, true],
  [{ 'if-match': '"a"' }, true],
  [{ 'if-unmodified-since': date }, true],
  [{ range: 'bytes=0-1', 'if-range': '"a"', 'if-x': '1' }, false],
])('%j is conditional: %j', (headers, expected) => {
  expect(isConditional(headers)).toBe(expected)
})

describe('If-Range', () => {
  it.each([
    [undefined, true],
    ['"a"', true],
    ['W/"a"', false],
    ['"b"', false],
    ['W/"b"', false],
    ['', false],
    ['*', false],
    // Files of two releases may have one date.
    [date, false],
    ['yesterday', false],
    [['"a"', '"a"'], false],
  ])('%j: a part is given: %j', (ifRange, expected) => {
    expect(isPartOf(ifRange, '"a"')).toBe(expected)
  })

  it('never trusts a weak tag', () => {
    expect(isPartOf('W/"a"', 'W/"a"')).toBe(false)
    expect(isPartOf('"a"', 'W/"a"')).toBe(false)
  })
})
