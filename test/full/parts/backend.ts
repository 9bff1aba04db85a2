/** The Java backend: a small Spring Boot WebFlux program of Maven Central's parts, or why it cannot be built. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type CachedPart, cachedPart, runBuild, versionOf } from './cached.ts'

const sources = join(import.meta.dirname, 'backend')

/** A folder with server.jar, as the product's image has one. */
export function springBackend(): Promise<CachedPart> {
  return cachedPart('spring-backend', versionOf(sources), async (folder) => {
    const out = join(folder, 'target')
    mkdirSync(out)
    await runBuild(['mvn', '-q', '-B', '-f', join(sources, 'pom.xml'), 'package', `-Dout=${out}`])
    copyFileSync(join(out, 'server.jar'), join(folder, 'server.jar'))
  })
}
