/** Reads the keys of a section one by one and knows which were never read. */
import { dirname, resolve } from 'node:path'
import type { Place, Report } from '../reports.ts'
import { readSignal } from '../terms/signals.ts'
import { expand, type Known } from './expansion.ts'
import type { Entry, Section } from './ini.ts'
import { readBoolean, readBytes, readInteger } from './scalars.ts'

export interface Read<T> {
  readonly value: T
  readonly at: Place
}

/** Each returns undefined if the key is absent, or, with a report, if supervisord would refuse its value. */
export interface Keys {
  readonly section: Section
  /** As written, with its `%(...)s`. */
  raw(key: string): Read<string> | undefined
  /** Expanded, with `known` on top. */
  text(key: string, known?: Known): Read<string> | undefined
  boolean(key: string): Read<boolean> | undefined
  integer(key: string): Read<number> | undefined
  bytes(key: string): Read<number> | undefined
  signal(key: string): Read<string> | undefined
  /** Entries that were not read. */
  unread(): readonly Entry[]
}

export function keysOf(section: Section, known: Known, report: Report): Keys {
  const entries = new Map(section.entries.map((entry) => [entry.key, entry]))
  const asked = new Set<string>()
  const raw = (key: string): Read<string> | undefined => {
    asked.add(key)
    const entry = entries.get(key)
    return entry && { value: entry.value, at: entry.at }
  }
  const text = (key: string, more: Known = {}): Read<string> | undefined => {
    const found = raw(key)
    if (!found) return undefined
    const expansion = expand(found.value, { ...known, here: dirname(resolve(found.at.file)), ...more })
    if (expansion.ok) return { value: expansion.text, at: found.at }
    report(found.at, 'untranslated', `\`${key}\` ${expansion.problem}`)
    return undefined
  }
  const typed =
    <T>(expected: string, read: (text: string) => T | undefined) =>
    (key: string): Read<T> | undefined => {
      const found = text(key)
      const value = found && read(found.value)
      if (found && value === undefined) report(found.at, 'untranslated', `\`${key}\` is not ${expected}`)
      return found && value !== undefined ? { value, at: found.at } : undefined
    }
  return {
    section,
    raw,
    text,
    boolean: typed('`true` or `false`', readBoolean),
    integer: typed('a number', readInteger),
    bytes: typed('a size such as `50MB`', readBytes),
    signal: typed('a signal', readSignal),
    unread: () => section.entries.filter(({ key }) => !asked.has(key)),
  }
}
