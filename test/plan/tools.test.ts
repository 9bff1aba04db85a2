/** `check` reports tools for `user` and limits that the machine does not have, before a start fails. */
import { expect, it } from 'vitest'
import { formatDiagnostic } from '../../src/config/diagnostics.ts'
import { readPlan } from '../../src/plan/read-plan.ts'

const text = `
processes:
  all: { command: [sleep, "1"], user: "1000:1000", nice: 5, limits: { coreSize: 0 } }
  again: { command: [sleep, "1"], user: "1000:1000", noNewPrivileges: true }
  open: { command: [sleep, "1"], noNewPrivileges: false }
`

function warningsWith(present: readonly string[]): readonly string[] {
  const { diagnostics } = readPlan(
    '/etc/g.yaml',
    {},
    {
      kindOf: (path) => (path === '/etc/g.yaml' || present.includes(path) ? 'file' : 'absent'),
      read(path) {
        if (path === '/etc/g.yaml') return text
        throw new Error('ENOENT')
      },
    },
  )
  return diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).split('\n').join(' '))
}

it('each tool that is missing is a warning, once, with the option that needs it and its package', () => {
  expect(warningsWith([]).map((line) => line.replaceAll(/\s+/g, ' '))).toEqual([
    '/etc/g.yaml:3:33: warning: `user` needs setpriv, which this machine does not have install util-linux: without it the process cannot start',
    '/etc/g.yaml:3:33: warning: `user` needs env, which this machine does not have install coreutils: without it the process cannot start',
    '/etc/g.yaml:3:52: warning: `nice` needs nice, which this machine does not have install coreutils: without it the process cannot start',
    '/etc/g.yaml:3:61: warning: `limits` needs prlimit, which this machine does not have install util-linux: without it the process cannot start',
  ])
})

it('tools are found in all of the system’s folders', () => {
  expect(warningsWith(['/bin/setpriv', '/usr/bin/env', '/usr/sbin/prlimit', '/sbin/nice'])).toEqual([])
})
