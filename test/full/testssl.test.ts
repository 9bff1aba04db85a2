/** Debian's testssl.sh, an auditor of TLS, against our own listener. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Attacked, startAttacked } from '../faults/gateway/attacked-gateway.ts'
import { cleanUp, temporaryFolder } from '../gateway/support.ts'
import { part } from '../parts.ts'

const program = part('testssl')

/** What we read of its JSON. */
interface Finding {
  readonly id: string
  readonly severity: 'DEBUG' | 'INFO' | 'OK' | 'WARN' | 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL' | 'FATAL'
  readonly finding: string
}

let attacked: Attacked
beforeAll(async () => {
  attacked = await startAttacked(`
  response:
    headers:
      Strict-Transport-Security: max-age=63072000
      X-Content-Type-Options: nosniff
      X-Frame-Options: DENY`)
})
afterAll(async () => {
  await attacked.stop()
  await cleanUp()
})

async function audit(): Promise<readonly Finding[]> {
  const file = join(await temporaryFolder(), 'findings.json')
  const root = join(attacked.gatehouse.folder, 'storage/internal/root.crt')
  const words = ['--quiet', '--color', '0', '--warnings', 'off', '--jsonfile', file, '--add-ca', root]
  const target = `localhost:${attacked.ports.https}`
  const child = spawn(program ?? '', [...words, '--ip', '127.0.0.1', target], { stdio: 'ignore' })
  await once(child, 'close')
  return JSON.parse(readFileSync(file, 'utf8'))
}

/**
 * What no gateway can hint: certificates of the internal authority live for seven days and are never revoked, localhost has no
 * CAA record, and whether a compressed page holds a secret (BREACH) its own program must know.
 */
const notOurs: ReadonlySet<string> = new Set([
  'cert_expirationStatus',
  'cert_notAfter',
  'cert_revocation',
  'DNS_CAArecord',
  'BREACH',
])

/** `WARN` is what testssl says of its own troubles: an openssl without this or that. */
const grave: ReadonlySet<string> = new Set(['LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'])

describe.skipIf(!program)('testssl.sh', () => {
  it('finds nothing of LOW severity or above in our TLS, which is 1.2 and 1.3 only', async () => {
    const findings = await audit()
    const found = (id: string) => findings.find((one) => one.id === id)?.finding ?? ''
    expect(found('SSLv2')).toContain('not offered')
    expect(found('SSLv3')).toContain('not offered')
    expect(found('TLS1')).toContain('not offered')
    expect(found('TLS1_1')).toContain('not offered')
    expect(found('TLS1_2')).toMatch(/^offered/)
    expect(found('TLS1_3')).toMatch(/^offered/)
    expect(found('ALPN_HTTP2')).toBe('h2')
    expect(findings.filter(({ id, severity }) => grave.has(severity) && !notOurs.has(id))).toEqual([])
    expect(findings.length).toBeGreaterThan(100)
  }, 600_000)
})
