import { describe, expect, it } from 'vitest'
import { dueAt, isEmergency, retryPause } from '../../src/certificates/renewal.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const life = { notBefore: 0, notAfter: 90 * day }
const randoms = [0, 0.25, 0.5, 0.99]

describe('a certificate is due', () => {
  it('with a third of its life left, some a little earlier', () => {
    expect(dueAt(life, 0)).toBe(60 * day)
    for (const random of randoms) {
      expect(dueAt(life, random)).toBeLessThanOrEqual(60 * day)
      expect(dueAt(life, random)).toBeGreaterThan(55 * day)
    }
  })

  it('within the window that the CA names', () => {
    const window = { start: 50 * day, end: 52 * day }
    expect(randoms.map((random) => dueAt(life, random, window) / day)).toEqual([50, 50.5, 51, 51.98])
  })

  it('at once when the window is over, as after a revocation', () => {
    for (const random of randoms) expect(dueAt(life, random, { start: -2 * day, end: -day })).toBeLessThanOrEqual(0)
  })

  it('never before it was issued nor when it is too late, however wide the window is', () => {
    const short = { notBefore: 0, notAfter: minute }
    for (const random of randoms) {
      const due = dueAt(short, random, { start: -day, end: day })
      expect(due).toBeGreaterThanOrEqual(0)
      expect(due).toBeLessThanOrEqual(45_000)
    }
  })
})

it('the last fiftieth of a life is an emergency, and the last quarter of a very short one', () => {
  expect(isEmergency(life, 88 * day)).toBe(false)
  expect(isEmergency(life, 88.3 * day)).toBe(true)
  expect(isEmergency({ notBefore: 0, notAfter: minute }, 45_000)).toBe(false)
  expect(isEmergency({ notBefore: 0, notAfter: minute }, 45_001)).toBe(true)
})

it('counts from when the certificate was issued', () => {
  const later = { notBefore: 300 * day, notAfter: 390 * day }
  expect(dueAt(later, 0)).toBe(360 * day)
  expect(isEmergency(later, 388 * day)).toBe(false)
  expect(isEmergency(later, 388.3 * day)).toBe(true)
})

describe('after a failure', () => {
  const failure = { now: 60 * day, random: 0 }

  it('pauses grow to six hours and no further', () => {
    const pauses = [1, 2, 3, 10, 11, 500].map((failures) => retryPause({ ...failure, failures, life }))
    expect(pauses).toEqual([minute, 2 * minute, 5 * minute, 6 * hour, 6 * hour, 6 * hour])
    expect(retryPause({ ...failure, failures: 1, random: 0.5 })).toBe(1.1 * minute)
    expect(retryPause({ ...failure, failures: 500, random: 0.999 })).toBeLessThan(1.2 * 6 * hour)
  })

  it('what the CA asks for is waited for', () => {
    expect(retryPause({ ...failure, failures: 1, life, retryAfter: 3 * hour })).toBe(3 * hour)
    expect(retryPause({ ...failure, failures: 10, life, retryAfter: minute })).toBe(6 * hour)
  })

  it('a CA that asks for a moment, or for years, does not let the certificate expire', () => {
    const short = { notBefore: 0, notAfter: hour }
    const options = { failures: 10, now: 54 * minute, random: 0 }
    expect(retryPause({ ...options, life: short, retryAfter: 30_000 })).toBe(minute)
    expect(retryPause({ ...options, life, retryAfter: 10 * 365 * day })).toBe(day)
  })

  it('a short life is divided by the attempts that are left, never by less than seconds', () => {
    const short = { notBefore: 0, notAfter: hour }
    expect(retryPause({ failures: 9, life: short, now: 40 * minute, random: 0 })).toBe((20 * minute) / 6)
    expect(retryPause({ failures: 9, life: short, now: 59.9 * minute, random: 0 })).toBe(5_000)
  })
})
