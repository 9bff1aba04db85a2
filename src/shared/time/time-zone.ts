/** Time zones: by name, in POSIX form, and that of the machine. */
import { readFileSync, realpathSync } from 'node:fs'
import { readPosixZone, type Zone } from './posix-zone.ts'

export const utc: Zone = { offsetAt: () => 0 }

/** The setting of this machine's zone that cannot be read. */
export interface UnreadableZone {
  readonly source: 'TZ' | '/etc/localtime'
  readonly written: string
}

/** An IANA name (`Europe/Berlin`) or a zone in POSIX form, with an optional `:` in front. Undefined: neither. */
export function readZone(written: string): Zone | undefined {
  const text = written.startsWith(':') ? written.slice(1) : written
  return namedZone(text) ?? readPosixZone(text)
}

/**
 * The zone of this machine, as in the C library: `TZ`, else /etc/localtime, else UTC. An empty `TZ` is UTC. Where the C
 * library falls back to UTC because it cannot read a setting, this returns it.
 */
export function localZone(tz: string | undefined, localtime = '/etc/localtime'): Zone | UnreadableZone {
  if (tz === undefined) return zoneOfFile(localtime) ?? { source: '/etc/localtime', written: localtime }
  const text = tz.replace(/^:/, '')
  if (text === '') return utc
  const zone = text.startsWith('/') ? zoneOfFile(text, false) : readZone(text)
  return zone ?? { source: 'TZ', written: tz }
}

/** All names, for suggestions. */
export function zoneNames(): readonly string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone')]
}

/** Cached, since creating a formatter is slow and each schedule needs its zone. */
const namedZones = new Map<string, Zone>()

function namedZone(name: string): Zone | undefined {
  const known = namedZones.get(name)
  if (known) return known
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    return undefined
  }
  const zone: Zone = {
    offsetAt(time) {
      const second = Math.floor(time / 1_000) * 1_000
      // 3/29/2026, 02:00:00
      const [month = 0, day = 0, year = 0, hour = 0, minute = 0, rest = 0] = (
        format.format(second).match(/\d+/g) ?? []
      ).map(Number)
      return Date.UTC(year, month - 1, day, hour, minute, rest) - second
    },
  }
  namedZones.set(name, zone)
  return zone
}

/** Of a TZif file: by its name, or the name that it links to, else by its last line, which is valid for the future. */
function zoneOfFile(path: string, isOptional = true): Zone | undefined {
  try {
    const [, name] = /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(realpathSync(path)) ?? []
    const named = name === undefined ? undefined : namedZone(name)
    if (named) return named
    const content = readFileSync(path)
    if (content.toString('latin1', 0, 4) !== 'TZif') return undefined
    const footer = content.toString('latin1').trimEnd().split('\n').at(-1) ?? ''
    return readPosixZone(footer)
  } catch (error) {
    return isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT' ? utc : undefined
  }
}
