import { describe, expect, it } from 'vitest'
import { yieldsToLater } from '../../src/certificates/succession.ts'

const day = 86_400_000
const life = { notBefore: 0, notAfter: 90 * day }
const at = (kind: Parameters<typeof yieldsToLater>[0]['kind'], days: number) =>
  yieldsToLater({ kind, life, random: 0, now: days * day })

describe('a source that still serves', () => {
  it.each(['certbot', 'caddy'] as const)('makes room as soon as it is due if it was adopted from %s', (kind) => {
    expect([1, 59, 60, 89].map((days) => at(kind, days))).toEqual([false, false, true, true])
  })

  it('makes room if it is ACME and nothing came before the last fiftieth of its life', () => {
    expect([1, 60, 88, 88.5].map((days) => at('acme', days))).toEqual([false, false, false, true])
  })

  it.each(['files', 'internal'] as const)('keeps its place to the end if it is %s, which others renew', (kind) => {
    expect([1, 60, 89.9].map((days) => at(kind, days))).toEqual([false, false, false])
  })
})
