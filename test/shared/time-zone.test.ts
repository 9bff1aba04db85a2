import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { localZone, readZone } from '../../src/shared/time/time-zone.ts'

const hour = 3_600_000
const [winter, summer] = [Date.UTC(2026, 0, 15), Date.UTC(2026, 6, 15)]
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-zones-'))
afterAll(() => rmSync(folder, { recursive: true }))

function offsets(zone: ReturnType<typeof localZone> | undefined): number[] | undefined {
  return zone && 'offsetAt' in zone ? [zone.offsetAt(winter) / hour, zone.offsetAt(summer) / hour] : undefined
}

describe('a zone', () => {
  it.each([
    ['Europe/Berlin', [1, 2]],
    [':Europe/Berlin', [1, 2]],
    ['europe/berlin', [1, 2]],
    ['UTC', [0, 0]],
    ['UTC0', [0, 0]],
    ['CET-1', [1, 1]],
    ['CET-1CEST,M3.5.0,M10.5.0/3', [1, 2]],
    [':CET-1CEST,M3.5.0,M10.5.0/3', [1, 2]],
    ['EST5EDT', [-5, -4]],
    ['MYZ5MYS', [-5, -4]],
    ['<+0330>-3:30', [3.5, 3.5]],
    ['<-03>3<-02>,M3.5.0/-2,M10.5.0/-1', [-3, -2]],
    ['AEST-10AEDT,M10.1.0,M4.1.0/3', [11, 10]],
    ['XYZ-1XYS,J60,J300', [1, 2]],
    ['XYZ-1XYS,59/0,300/0', [1, 2]],
  ])('is read as %s', (written, hours) => {
    expect(offsets(readZone(written))).toEqual(hours)
  })

  it.each([
    '',
    'Europe/Berln',
    'CET',
    'CES-25',
    'CET-1CEST,M13.5.0,M10.5.0',
    'CET-1CEST,M3.5.0',
    'X1',
    'CET-1CEST,J0,J9',
  ])('is not read as `%s`, or only as the name that it is', (written) => {
    if (written === 'CET') expect(readZone(written)).toBeDefined()
    else expect(readZone(written)).toBeUndefined()
  })

  it.each([
    ['CET-1CEST,M3.5.0,M10.5.0/3', 'Europe/Berlin'],
    ['EST5EDT,M3.2.0,M11.1.0', 'America/New_York'],
    ['AEST-10AEDT,M10.1.0,M4.1.0/3', 'Australia/Sydney'],
    ['<+1030>-10:30<+11>-11,M10.1.0,M4.1.0', 'Australia/Lord_Howe'],
    ['IST-2IDT,M3.4.4/26,M10.5.0', 'Asia/Jerusalem'],
    ['EET-2EEST,M4.5.5/0,M10.5.4/24', 'Africa/Cairo'],
    ['<-02>2<-01>,M3.5.0/-1,M10.5.0/0', 'America/Godthab'],
  ])('%s changes when %s does', (posix, name) => {
    const [one, other] = [readZone(posix), readZone(name)]
    for (let time = Date.UTC(2025, 0); time < Date.UTC(2027, 0); time += hour / 2)
      if (one?.offsetAt(time) !== other?.offsetAt(time)) expect.fail(new Date(time).toISOString())
  })
})

describe('the zone of this machine', () => {
  it('is that of TZ, and UTC if TZ is empty', () => {
    expect(offsets(localZone('Europe/Berlin'))).toEqual([1, 2])
    expect(offsets(localZone('EST5EDT4,M3.2.0,M11.1.0'))).toEqual([-5, -4])
    expect(offsets(localZone(''))).toEqual([0, 0])
    expect(offsets(localZone(':'))).toEqual([0, 0])
  })

  it('is not UTC when TZ is misspelt: that is reported', () => {
    expect(localZone('Europe/Berln')).toEqual({ source: 'TZ', written: 'Europe/Berln' })
    expect(localZone('/no/such/file')).toEqual({ source: 'TZ', written: '/no/such/file' })
  })

  it('is that of /etc/localtime without TZ: by the name it is a link to, or by its last line', () => {
    const database = join(folder, 'zoneinfo', 'Europe')
    const copy = join(folder, 'localtime')
    writeFileSync(copy, 'TZif2 …\nCET-1CEST,M3.5.0,M10.5.0/3\n')
    expect(offsets(localZone(undefined, copy))).toEqual([1, 2])
    expect(offsets(localZone(copy))).toEqual([1, 2])
    expect(offsets(localZone(`:${copy}`))).toEqual([1, 2])
    writeFileSync(join(folder, 'other'), 'not a zone')
    expect(localZone(undefined, join(folder, 'other'))).toMatchObject({ source: '/etc/localtime' })
    symlinkSync(join(database, 'Berlin'), join(folder, 'dangling'))
    expect(offsets(localZone(undefined, join(folder, 'dangling')))).toEqual([0, 0])
    expect(offsets(localZone(undefined, join(folder, 'missing')))).toEqual([0, 0])
  })
})
