/** What a process gets of the shared environment. */
import type { Variables } from '../../../config/environment/interpolate.ts'

/**
 * What nearly every program needs, whatever `only` says: PATH, the user, language and time zone, and the folder for
 * temporary files (environ(7), locale(7)).
 */
export const alwaysInherited: readonly string[] = [
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'LANG',
  'LANGUAGE',
  'LC_*',
  'TZ',
  'TMPDIR',
]

/** `only`: names, in which `*` matches any characters; undefined: all. */
export function inherited(variables: Variables, only: readonly string[] | undefined): Variables {
  if (!only) return variables
  const patterns = [...alwaysInherited, ...only].map(matcher)
  return Object.fromEntries(Object.entries(variables).filter(([name]) => patterns.some((matches) => matches(name))))
}

export function matcher(pattern: string): (name: string) => boolean {
  if (!pattern.includes('*')) return (name) => name === pattern
  const expression = new RegExp(`^${pattern.replaceAll(/\*+/g, '.*')}$`)
  return (name) => expression.test(name)
}
