/**
 * MongoDB: no registry serves its server, nor FerretDB in its place, so that `mongod` is a stand-in over mongo-java-server
 * (mongodb/Mongod.java says what of it is real). `mongosh` is the real one, of npm.
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type CachedPart, cachedPart, runBuild, versionOf } from './cached.ts'

const sources = join(import.meta.dirname, 'mongodb')
const shell = '2.12.0'

/** A folder for PATH with `mongod`. */
export function mongod(): Promise<CachedPart> {
  return cachedPart('mongod', versionOf(sources), async (folder) => {
    await runBuild(['mvn', '-q', '-B', '-f', join(sources, 'pom.xml'), 'package', `-Dout=${join(folder, 'target')}`])
    const classes = '"$here/target/mongod.jar:$here/target/lib/*"'
    program(
      join(folder, 'mongod'),
      `exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp ${classes} parts.Mongod "$@"`,
    )
  })
}

/** A folder for PATH with `mongosh`. */
export function mongosh(): Promise<CachedPart> {
  return cachedPart('mongosh', shell, async (folder) => {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    const words = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder, `@mongosh/cli-repl@${shell}`]
    await runBuild(['npm', 'install', ...words])
    program(join(folder, 'mongosh'), 'exec node "$here/node_modules/@mongosh/cli-repl/bin/mongosh.js" "$@"')
  })
}

/** `$here` is the program's own folder, so that it can be moved. */
function program(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\nhere=$(dirname "$(readlink -f "$0")")\n${line}\n`)
  chmodSync(path, 0o755)
}
