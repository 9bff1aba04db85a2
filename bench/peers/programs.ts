/** Programs that benchmarks need, and the Debian packages they come from. */
import { findProgram, installPackages } from '../../scripts/debian-parts.ts'

const packages = {
  wrk: 'wrk',
  h2load: 'nghttp2-client',
  openssl: 'openssl',
  nginx: 'nginx-light',
  haproxy: 'haproxy',
  supervisord: 'supervisor',
  perl: 'perl',
} as const

export type ProgramName = keyof typeof packages

/** Installs those of these programs that are missing, if we are root on Debian; otherwise prints how to. */
export function installPrograms(names: readonly ProgramName[]): void {
  const missing = names.filter((name) => findProgram(name) === undefined)
  if (missing.length > 0) installPackages(missing.map((name) => packages[name]))
}

/** Absolute path of a program; throws if it is not installed, and says which package it is in. */
export function programOf(name: ProgramName): string {
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} is not installed (Debian: ${packages[name]})`)
  return path
}
