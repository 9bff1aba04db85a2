/** /etc/passwd and /etc/group as they are found on machines: what a line does not say is never read as root's. */
import { describe, expect, it } from 'vitest'
import { readAccounts } from '../../src/shared/system/accounts.ts'

function accountsOf(passwd: string, group: string) {
  return readAccounts((path) => (path === '/etc/passwd' ? passwd : group))
}

describe('groups', () => {
  const { groupsOf, group } = accountsOf(
    'app:x:1000:1000::/home/app:\n',
    'root:x:0:\ndisk:x:6:\nweb:x:33:app,other\nlogs:x:44:other,app\nodd:x:55:,app,\nshort:x:66\nnone:x::app\nhex:x:0x7:app\n+:x:0:app\n-:x:0:app\n#a:x:0:app\n',
  )

  it('without members have no member', () => {
    expect(groupsOf('')).toEqual([])
  })

  it('are those that list the user', () => {
    expect(groupsOf('app')).toEqual([33, 44, 55])
    expect(groupsOf('nobody-else')).toEqual([])
  })

  it('whose line has no decimal id are none, and not root’s', () => {
    for (const name of ['none', 'hex', '+', '-', '#a']) expect([name, group(name)]).toEqual([name, undefined])
  })
})

describe('users', () => {
  const lines = 'empty:x:::::\nshort:x\nhex:x:0x0:0:::\nminus:x:4294967295:1:::\n+::0:0:::\n-@x::0:0:::\n#c:x:0:0:::\n'
  const { user } = accountsOf(`${lines}app:x:1000:1001:App:/home/app:/bin/sh\n`, '')

  it('whose line has no decimal ids are none, and not root', () => {
    for (const name of ['empty', 'short', 'hex', 'minus', '+', '-@x', '#c', '0', ''])
      expect([name, user(name)]).toEqual([name, undefined])
  })

  it('are found by name and by number', () => {
    const app = { name: 'app', uid: 1000, gid: 1001, home: '/home/app' }
    expect([user('app'), user('1000')]).toEqual([app, app])
  })
})
