/** Keeps Node from raising its soft limit of open files, so that what it is at the start can be known and given to programs. */
import { readFileSync, writeFileSync } from 'node:fs'

/**
 * Node does it in C++, before any script of ours, and no option stops it. It imports one function for that, by name. Under the name of
 * another one of as many arguments the attempt fails, which Node takes for a limit that cannot be raised: setpriority(2) refuses a
 * first argument above 2, and RLIMIT_NOFILE is 7.
 */
const [raising, refusing] = ['setrlimit64', 'setpriority'] as const

/** Changes the binary at `file`; throws unless the name is there once. src/supervisor/rights/open-files.ts raises the limit later. */
export function keepOpenFiles(file: string): void {
  const content = readFileSync(file)
  const name = Buffer.from(`\0${raising}\0`)
  const at = content.indexOf(name)
  if (at === -1 || content.indexOf(name, at + 1) !== -1)
    throw new Error(
      `this Node does not import ${raising} once: see how it raises its limits (PlatformInit in src/node.cc)`,
    )
  content.write(refusing, at + 1, 'latin1')
  writeFileSync(file, content)
}
