/** What a process gets of the environment that all see. */
import type { Variables } from '../../../config/environment/interpolate.ts'

/**
 * What hardly any program does without, whatever `only` says: where programs are, whose they are, and in which language and time zone
 * and where they may put things down (environ(7), locale(7)).
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

/** `only`: names, in which `*` stands for any characters; undefined: all. */
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
