/** The newest kustomize, from the Go module proxy: Debian's kubectl is of 2020 and knows no bases among the resources. */
import { join } from 'node:path'
import { cachedPart, runBuild } from './cached.ts'

const version = 'v5.8.0'

/** Absolute path of the program, built at the first call, or why there is none. */
export async function kustomize(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const found = await cachedPart('kustomize', version, async (folder) => {
    const env = { GOBIN: folder, CGO_ENABLED: '0' }
    await runBuild(['go', 'install', `sigs.k8s.io/kustomize/kustomize/v5@${version}`], env)
  })
  return 'missing' in found ? found : { program: join(found.folder, 'kustomize') }
}
