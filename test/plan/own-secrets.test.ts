/** Whose environment holds the passwords that are Gatehouse's own: only theirs who name them. */
import { expect, it } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'

const text = `
users:
  ops: { password: "\${OPS_PASSWORD}" }
  more: { password: "x-\${MORE:-\${OTHER:-none}}-$\${LITERAL}" }
certificates:
  - domains: [example.com]
    use: [{ acme: { externalAccount: { keyId: "\${EAB_ID}", hmac: "\${EAB_HMAC}" }, dns: { run: [./dns-hook] } } }]
hooks:
  - { on: fatal, url: "\${WEBHOOK}" }
  - { on: fatal, run: [notify] }
gateway:
  listeners: { http: { address: "127.0.0.1:8080" } }
  routes: [{ path: /, auth: { basic: [ops, more] }, redirect: { to: /in } }]
processes:
  web: { command: [sleep, "1"] }
  other: { command: [sleep, "1"], user: "1000:1000" }
  only: { command: [sleep, "1"], environment: { only: [OPS_PASSWORD, EAB_*] } }
  named: { command: [sleep, "1"], environment: { set: { OPS_PASSWORD: "\${OPS_PASSWORD}", WEBHOOK: set } } }
`
const secrets = { OPS_PASSWORD: 'p', MORE: 'm', OTHER: 'o', EAB_HMAC: 'aG1hYw', WEBHOOK: 'https://example.com/hook' }
const open = { PATH: '/bin', EAB_ID: 'id', LITERAL: 'l', APP_PASSWORD: 'theirs' }

it('the dashboard’s password and other secrets of Gatehouse reach the programs that name them, and no others', () => {
  const { plan, diagnostics } = readPlanOf({ ...secrets, ...open })
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  const environmentOf = (name: string) => plan?.processes.find((process) => process.name === name)?.environment
  expect(environmentOf('web')).toEqual(open)
  expect(environmentOf('other')).toEqual(open)
  expect(environmentOf('only')).toEqual({ PATH: '/bin', EAB_ID: 'id', OPS_PASSWORD: 'p' })
  expect(environmentOf('named')).toEqual({ ...open, OPS_PASSWORD: 'p', WEBHOOK: 'set' })
  const hooks = plan?.hooks.map(({ call }) => (call.kind === 'run' ? call.environment : call.url))
  expect(hooks).toEqual([secrets.WEBHOOK, open])
  const dns = plan?.certificates.flatMap(({ use }) =>
    use.map((source) => (source.kind === 'acme' ? source.dns : source)),
  )
  expect(dns).toEqual([expect.objectContaining({ environment: open })])
})

function readPlanOf(environment: Readonly<Record<string, string>>) {
  return readPlan('/etc/gatehouse/gatehouse.yaml', environment, {
    kindOf: (path) => (path.endsWith('gatehouse.yaml') ? 'file' : 'absent'),
    read(path) {
      if (path.endsWith('gatehouse.yaml')) return text
      throw new Error('ENOENT')
    },
  })
}
