/** Keeps Node from raising its soft limit of open files, so that programs can get the original one. */
import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Node does it in C++, before our scripts, without an option. It imports a function for that, by name. Patched to the
 * name of another function with as many arguments the call fails, which Node ignores: setpriority(2) rejects a first
 * argument above 2, and RLIMIT_NOFILE is 7.
 */
const [raising, refusing] = ['setrlimit64', 'setpriority'] as const

/**
 * Patches the binary at `file`; throws unless the name occurs once. src/supervisor/rights/open-files.ts raises the
 * limit later.
 */
export function keepOpenFiles(file: string): void {
  const content = readFileSync(file)
  const name = Buffer.from(`\0${raising}\0`)
  const at = content.indexOf(name)
  if (at === -1 || content.indexOf(name, at + 1) !== -1)
    throw new Error(
      `this Node does not import ${raising} exactly once: check how it raises its limits (PlatformInit in src/node.cc)`,
    )
  content.write(refusing, at + 1, 'latin1')
  writeFileSync(file, content)
}
