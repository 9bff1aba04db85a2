import { chmod, lstat } from 'node:fs/promises'
import { GatehouseError, messageOf } from '../errors.ts'
import { openFolder } from './safe-folder.ts'

/**
 * Creates a private folder in a place where every user may create one (/tmp), or makes sure that it is private. Throws
 * `folder-unsafe` if it is a link or belongs to another user.
 */
export async function makeOwnFolder(path: string): Promise<void> {
  try {
    const there = await lstat(path).catch(() => undefined)
    if (there?.isSymbolicLink()) throw new Error('it is a link')
    const folder = await openFolder(path, { make: 0o700, untrusted: true })
    folder.close()
    const stats = await lstat(path)
    if (stats.uid !== process.geteuid?.()) throw new Error(`it belongs to uid ${stats.uid}`)
    // It is ours, with another mode.
    if ((stats.mode & 0o077) !== 0) await chmod(path, 0o700)
  } catch (error) {
    throw new GatehouseError(
      'folder-unsafe',
      `${path} cannot be used for state and control socket: ${messageOf(error)}; set \`storage\` and \`control.socket\`, or XDG_STATE_HOME and XDG_RUNTIME_DIR, to folders of user ${process.geteuid?.()}`,
      { cause: error },
    )
  }
}
