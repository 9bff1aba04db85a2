/** Users whose password the file leaves out: the whole program, from its sources. */
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { freePorts } from './support/free-ports.ts'
import { runGatehouse, startGatehouse } from './support/gatehouse.ts'

const chosen = 'chosen-by-the-operator'

function configOf(port: number, more = ''): string {
  return `
gateway:
  threads: 2
  listeners: { http: { address: "127.0.0.1:${port}" } }
  routes:
    - { path: /ops, auth: { basic: ops }, redirect: { to: /in } }
    - { path: /own, auth: { basic: own }, redirect: { to: /in } }
${more}
users:
  ops: { password: "\${OPS_PASSWORD:-}" }
  own: { password: "\${OWN_PASSWORD}" }
storage: ./storage
control: { socket: ./control.sock }
log: { format: json, level: debug }
`
}

async function statusOf(port: number, path: string, name: string, password: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization }, redirect: 'manual' })
  return answer.status
}

it('a password that the file leaves out is shown once, works, and stays through a reload', async () => {
  const [port = 0] = await freePorts(1)
  const gatehouse = startGatehouse({ config: configOf(port), env: { OWN_PASSWORD: chosen } })
  try {
    await gatehouse.ready()
    const reported = () => gatehouse.lines.filter((line) => JSON.stringify(line).includes('has the password'))
    expect(reported()).toHaveLength(1)
    const [, password = ''] = /user ops has the password (\S+) \(generated/.exec(JSON.stringify(reported()[0])) ?? []
    expect(password).toMatch(/^[A-Za-z0-9_-]{24}$/)
    expect(await statusOf(port, '/ops', 'ops', password)).toBe(302)
    expect(await statusOf(port, '/ops', 'ops', '')).toBe(401)
    expect(await statusOf(port, '/own', 'own', chosen)).toBe(302)
    expect(await statusOf(port, '/own', 'ops', password)).toBe(401)

    writeFileSync(gatehouse.file, configOf(port, '    - { path: /new, redirect: { to: /in } }'))
    gatehouse.signal('SIGHUP')
    await gatehouse.waitFor({ message: 'reloaded' })
    expect(await statusOf(port, '/ops', 'ops', password)).toBe(302)
    expect(reported()).toHaveLength(1)

    const status = await runGatehouse(['status', '--config', gatehouse.file, '--json'], {
      env: { OWN_PASSWORD: chosen },
    })
    const rest = gatehouse.lines.filter((line) => line !== reported()[0])
    const everything = JSON.stringify([rest, gatehouse.stderr, status.stdout, status.stderr])
    for (const secret of [password, chosen]) expect(everything).not.toContain(secret)
  } finally {
    await gatehouse.stop()
  }
})

it('check and plan name no password, chosen or mistyped', async () => {
  const [port = 0] = await freePorts(1)
  const gatehouse = startGatehouse({ config: configOf(port), env: { OWN_PASSWORD: chosen } })
  try {
    await gatehouse.ready()
    for (const verb of ['check', 'plan']) {
      const outcome = await runGatehouse([verb, gatehouse.file], { env: { OWN_PASSWORD: chosen } })
      expect(outcome.code).toBe(0)
      expect(outcome.stdout + outcome.stderr).not.toContain(chosen)
      expect(outcome.stdout + outcome.stderr).not.toContain('has the password')
    }
    const mistaken = `${gatehouse.folder}/mistaken.yaml`
    writeFileSync(mistaken, readFileSync(gatehouse.file, 'utf8').replace(/own: \{ password: .*\}/, `own: ${chosen}`))
    const refused = await runGatehouse(['check', mistaken], { env: { OWN_PASSWORD: chosen } })
    expect(refused.code).toBe(1)
    expect(refused.stdout + refused.stderr).toContain('this value is not a mapping')
    expect(refused.stdout + refused.stderr).not.toContain(chosen)
  } finally {
    await gatehouse.stop()
  }
})
