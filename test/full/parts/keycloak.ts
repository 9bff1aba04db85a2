/** Keycloak as its makers distribute it, from Maven Central, or why it cannot be had. */
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type CachedPart, cachedPart, runBuild } from './cached.ts'

const version = '26.5.6'

/** A folder with bin/kc.sh, made ready for PostgreSQL and /auth as an image's build does it. */
export function keycloak(): Promise<CachedPart> {
  return cachedPart('keycloak', version, async (folder) => {
    const artifact = `org.keycloak:keycloak-quarkus-dist:${version}:zip`
    await runBuild(['mvn', '-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`])
    await runBuild(['unzip', '-q', join(folder, `keycloak-quarkus-dist-${version}.zip`), '-d', folder])
    const home = join(folder, `keycloak-${version}`)
    for (const part of ['bin', 'conf', 'lib', 'providers', 'themes', 'version.txt'])
      renameSync(join(home, part), join(folder, part))
    rmSync(join(folder, `keycloak-quarkus-dist-${version}.zip`))
    await runBuild([join(folder, 'bin/kc.sh'), 'build', '--db=postgres', '--http-relative-path=/auth', '--cache=local'])
  })
}
