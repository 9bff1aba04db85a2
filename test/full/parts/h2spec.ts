/** h2spec, from the Go module proxy. */
import { join } from 'node:path'
import { cachedPart, runBuild } from './cached.ts'

const version = 'v2.2.1+incompatible'

/** Absolute path of the program, built at the first call, or why there is none. */
export async function h2spec(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const found = await cachedPart('h2spec', version, async (folder) => {
    const env = { GOBIN: folder, CGO_ENABLED: '0' }
    await runBuild(['go', 'install', `github.com/summerwind/h2spec/cmd/h2spec@${version}`], env)
  })
  return 'missing' in found ? found : { program: join(found.folder, 'h2spec') }
}
