/** Renewal information and profiles of the newest Pebble: its server knows a certificate by our identifier, or answers 404. */

import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { obtainByAcme } from '../../src/certificates/acme/acme-order.ts'
import { createTransport } from '../../src/certificates/acme/acme-transport.ts'
import { askRenewalAdvice, certificateId } from '../../src/certificates/acme/ari.ts'
import { site } from '../certificates/acme-site.ts'
import { newestPebble } from './newest-pebble.ts'

const program = newestPebble()
const day = 86_400_000

describe.skipIf(!program)('the newest Pebble', () => {
  it('says of each certificate when it wants it renewed, and takes its successor as such', async () => {
    const { pebble, context, open } = await site({ ...(program && { program }) })
    const transport = createTransport(readFileSync(pebble.trust, 'utf8'))
    const session = await open()
    const options = { names: ['a.example.test'], challenges: ['http-01'] as const }
    let replaces: string | undefined
    // Serial numbers with and without a leading zero: each is as likely as the other.
    for (let i = 0; i < 8; i += 1) {
      const { certificate } = await obtainByAcme(session, { ...options, ...(replaces && { replaces }) }, context)
      await context.pending.clear()
      const { validFromDate, validToDate } = new X509Certificate(certificate)
      const advice = await askRenewalAdvice(transport, pebble.directory, certificate)
      expect(advice?.window.start).toBeGreaterThan(validFromDate.getTime())
      expect(advice?.window.end).toBeLessThan(validToDate.getTime())
      replaces = certificateId(certificate)
    }
    expect(pebble.lines.join('\n')).toMatch(/replac/i)
  })

  it('wants a revoked certificate replaced at once', async () => {
    const { pebble, context, open } = await site({ ...(program && { program }) })
    const transport = createTransport(readFileSync(pebble.trust, 'utf8'))
    const session = await open()
    const { certificate } = await obtainByAcme(session, { names: ['a.example.test'], challenges: ['http-01'] }, context)
    await session.revoke(certificate)
    const advice = await askRenewalAdvice(transport, pebble.directory, certificate)
    expect(advice?.window.end).toBeLessThan(Date.now())
  })

  it('issues by the profile that is asked for', async () => {
    const profiles = {
      default: { description: 'long', validityPeriod: (90 * day) / 1_000 },
      shortlived: { description: 'six days', validityPeriod: (6 * day) / 1_000 },
    }
    const { context, open } = await site({ ...(program && { program }), more: { profiles } })
    const options = { names: ['a.example.test'], challenges: ['http-01'] as const, profile: 'shortlived' }
    const { certificate } = await obtainByAcme(await open(), options, context)
    expect(new X509Certificate(certificate).validToDate.getTime()).toBeLessThan(Date.now() + 7 * day)
  })
})
