import { expect, it } from 'vitest'
import { failedOrNotTried, isLocalFault, NotTried } from '../../src/shared/system/local-fault.ts'

function fault(code: string, facts: object = {}): Error {
  return Object.assign(new Error(`connect ${code}`), { code, syscall: 'connect', ...facts })
}

const cases: readonly (readonly [what: string, error: unknown, local: boolean])[] = [
  ['no descriptor left', fault('EMFILE'), true],
  ['none left on the whole machine', fault('ENFILE'), true],
  ['no memory', fault('ENOMEM'), true],
  ['no room for sockets', fault('ENOBUFS'), true],
  ['no port to spare', fault('EADDRNOTAVAIL', { address: '127.0.0.1' }), true],
  ['a full disk', fault('ENOSPC', { syscall: 'write' }), true],
  ['a used up quota', fault('EDQUOT', { syscall: 'write' }), true],
  ['no process to be had', fault('EAGAIN', { syscall: 'spawn sh' }), true],
  ['wrapped by who met it', new Error('fetch failed', { cause: fault('EMFILE') }), true],
  ['wrapped in an error with a code of its own', fault('ERR_STREAM', { cause: fault('EMFILE') }), true],
  ['one address refused, the other not tried', new AggregateError([fault('ECONNREFUSED'), fault('EMFILE')]), true],
  ['all addresses refused', new AggregateError([fault('ECONNREFUSED'), fault('ECONNREFUSED')]), false],
  ['nobody listens', fault('ECONNREFUSED'), false],
  ['no such name', fault('ENOTFOUND', { syscall: 'getaddrinfo' }), false],
  ['a reset', fault('ECONNRESET'), false],
  ['a Unix socket whose queue is full', fault('EAGAIN', { address: '/run/app.sock' }), false],
  [
    'an address to listen on that is not ours',
    fault('EADDRNOTAVAIL', { syscall: 'bind', address: '192.0.2.1' }),
    false,
  ],
  ['what is no error', 'EMFILE', false],
]

it.each(cases)('tells our own shortage from a fault of the other side: %s', (_, error, local) => {
  expect(isLocalFault(error)).toBe(local)
  const found = failedOrNotTried(error, 'words')
  if (local) expect(found).toBeInstanceOf(NotTried)
  else expect(found).toBe('words')
  if (found instanceof NotTried) expect(found.why).toMatch(/^words \(.+\)$/)
})
