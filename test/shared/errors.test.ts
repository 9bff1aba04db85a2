import { describe, expect, it } from 'vitest'
import { codeOf, GatehouseError, messageOf, stackOf } from '../../src/shared/errors.ts'

function refused(address: string): Error {
  const port = 9_000
  return Object.assign(new Error(`connect ECONNREFUSED ${address}:${port}`), { code: 'ECONNREFUSED', address, port })
}

function coded(message: string, facts: object): Error {
  return Object.assign(new Error(message), facts)
}

const self = new Error('round and round')
self.cause = self
const both = [refused('127.0.0.1'), refused('::1')]
const bothTold = 'connect ECONNREFUSED 127.0.0.1:9000, connect ECONNREFUSED ::1:9000'

const causes: readonly (readonly [string, unknown, string])[] = [
  ['an error', new Error('it broke'), 'it broke'],
  ['a name with two addresses', Object.assign(new AggregateError(both), { code: 'ECONNREFUSED' }), bothTold],
  [
    'the same by undici',
    new TypeError('fetch failed', { cause: new AggregateError(both) }),
    `fetch failed: ${bothTold}`,
  ],
  ['Promise.any', new AggregateError(both, 'All promises were rejected'), bothTold],
  ['several with a message', new AggregateError(both, 'no target'), `no target: ${bothTold}`],
  ['several that say the same', new AggregateError([refused('::1'), refused('::1')]), 'connect ECONNREFUSED ::1:9000'],
  ['several of several', new AggregateError([new AggregateError(both), new Error('x')]), `${bothTold}, x`],
  ['none of several', new AggregateError([]), 'AggregateError without a message'],
  [
    'very many',
    new AggregateError(Array.from({ length: 40 }, (_, n) => new Error(`no ${n}`))),
    'no 0, no 1, no 2, no 3, no 4, and 35 more',
  ],
  ['a cause', new Error('no answer', { cause: new Error('it was late') }), 'no answer: it was late'],
  ['a cause that is repeated', new Error('no answer: late', { cause: new Error('late') }), 'no answer: late'],
  ['a cause of a cause', new Error('a', { cause: new Error('b', { cause: new Error('c') }) }), 'a: b: c'],
  ['a cause that is a text', new Error('a', { cause: 'b' }), 'a: b'],
  ['nothing but a cause', new Error('', { cause: new Error('b') }), 'b'],
  ['its own cause', self, 'round and round'],
  ['a code and no message', coded('', { code: 'EPIPE' }), 'EPIPE'],
  ['a message without its code', coded('read failed', { code: 'ECONNRESET' }), 'read failed (ECONNRESET)'],
  ['a message with its code', coded('read ECONNRESET', { code: 'ECONNRESET' }), 'read ECONNRESET'],
  ['a code of no system', coded('other side closed', { code: 'UND_ERR_SOCKET' }), 'other side closed'],
  ['a code that is a number', coded('gone', { code: 7 }), 'gone'],
  [
    'an address that the message lacks',
    coded('connect ETIMEDOUT', { code: 'ETIMEDOUT', address: '10.0.0.1', port: 80 }),
    'connect ETIMEDOUT (10.0.0.1:80)',
  ],
  ['neither code nor message', new RangeError(''), 'RangeError without a message'],
  ['a line break at the end', new Error('tls alert\n'), 'tls alert'],
  ['of another realm', { name: 'Error', message: 'far away', code: 'EIO' }, 'far away (EIO)'],
  ['an object that is no error', { why: 'secret' }, 'Object without a message'],
  ['an object without a prototype', Object.create(null), 'something without a message'],
  ['a text', 'just a text', 'just a text'],
  ['an empty text', '', 'an empty string was thrown'],
  ['nothing', undefined, 'undefined'],
  ['null', null, 'null'],
  ['a number', 3, '3'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  [
    'one of ours, whose cause is not fit to be shown',
    new GatehouseError('gateway-failed', 'no `ca`', { cause: new Error('secret') }),
    'no `ca`',
  ],
]

describe('the cause of a failure is never empty', () => {
  it.each(causes)('%s', (_kind, thrown, told) => {
    expect(messageOf(thrown)).toBe(told)
  })

  it.each([
    [new AggregateError(both), bothTold],
    [Object.assign(new AggregateError(both), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
    [coded('open /secret', { code: 'EACCES' }), 'EACCES'],
    [coded('odd', { code: undefined }), 'odd'],
    [undefined, 'undefined'],
  ])('nor is its code', (thrown, told) => {
    expect(codeOf(thrown)).toBe(told)
  })

  it('nor is the message of an internal error', () => {
    expect(stackOf(new Error('it broke'))).toMatch(/^Error: it broke\n +at /)
    expect(stackOf(new AggregateError(both))).toMatch(new RegExp(`^${bothTold}\nAggregateError`))
    expect(stackOf(undefined)).toBe('undefined')
    expect(stackOf(null)).toBe('null')
  })
})
