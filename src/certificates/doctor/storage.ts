import { access, constants, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf } from '../../shared/errors.ts'
import { ephemeralKind } from '../../shared/files/ephemeral.ts'
import { bad, type Check, type Finding, good, unknown } from './check.ts'

/** Is the storage writable, does it outlive the container, and are the keys private? */
export const checkStorage: Check = async ({ storage, acme }) => {
  const kept = acme ? [await lifetime(storage)] : []
  return [await writable(storage), ...kept, ...(await exposed(storage))]
}

async function writable(storage: string): Promise<Finding> {
  const problem = await deniedAt(storage)
  if (problem === undefined) return good(`the storage ${storage} is writable`)
  const hint = `make it writable for user ${process.geteuid?.()}, who runs this check, or set \`storage\` to a path that is`
  return bad(`the storage ${storage} is not writable (${problem})`, hint)
}

/** For a folder that does not exist yet its closest parent is checked. */
async function deniedAt(path: string): Promise<string | undefined> {
  try {
    await access(path, constants.W_OK | constants.X_OK)
    return undefined
  } catch (error) {
    const code = codeOf(error)
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && dirname(path) !== path ? deniedAt(dirname(path)) : code
  }
}

async function lifetime(storage: string): Promise<Finding> {
  const kind = await ephemeralKind(storage)
  if (kind === undefined) return good('the storage is not on a file system that is lost with the container')
  return unknown(
    `the storage is on ${kind}, which is lost with the container: each new container requests certificates again`,
    'mount a volume there, or set `storage` to a path on one',
  )
}

/** Keys and accounts that users other than their owner may read. */
async function exposed(storage: string): Promise<readonly Finding[]> {
  const found: string[] = []
  for (const name of ['acme', 'internal']) {
    const folder = join(storage, name)
    const names = await readdir(folder, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
      return error.code === 'ENOENT' ? [] : error
    })
    if (names instanceof Error) return [unknown(`cannot read ${folder} (${codeOf(names)})`)]
    for (const name of names) {
      const path = join(folder, name)
      const facts = await stat(path).catch(() => undefined)
      if (facts?.isFile() && !path.endsWith('.crt') && (facts.mode & 0o077) !== 0) found.push(path)
    }
  }
  const [first] = found
  if (first === undefined) return [good('only their owner can read the keys in the storage')]
  const others = found.length === 1 ? '' : ` and ${found.length - 1} more`
  return [bad(`other users can read ${first}${others}`, `chmod 600 ${found.join(' ')}`)]
}
