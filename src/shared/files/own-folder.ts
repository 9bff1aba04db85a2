import { chmod, lstat } from 'node:fs/promises'
import { GatehouseError, messageOf } from '../errors.ts'
import { openFolder } from './safe-folder.ts'

/**
 * Makes a folder that nobody but us may enter, at a place where everybody may make one (/tmp), or makes sure that it is one. Throws
 * `folder-unsafe` if somebody else made it first, or a link in its place.
 */
export async function makeOwnFolder(path: string): Promise<void> {
  try {
    const there = await lstat(path).catch(() => undefined)
    if (there?.isSymbolicLink()) throw new Error('it is a link')
    const folder = await openFolder(path, { make: 0o700, anybodys: true })
    folder.close()
    const stats = await lstat(path)
    if (stats.uid !== process.geteuid?.()) throw new Error(`it belongs to uid ${stats.uid}`)
    // Made by ourselves with another mode. Nobody could have come in as somebody else: it is ours.
    if ((stats.mode & 0o077) !== 0) await chmod(path, 0o700)
  } catch (error) {
    throw new GatehouseError(
      'folder-unsafe',
      `${path} cannot be used for state and control socket: ${messageOf(error)}; set \`storage\` and \`control.socket\`, or XDG_STATE_HOME and XDG_RUNTIME_DIR, to folders of user ${process.geteuid?.()}`,
      { cause: error },
    )
  }
}
