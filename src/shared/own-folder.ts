import { chmod, lstat } from 'node:fs/promises'
import { GatehouseError, messageOf } from './errors.ts'
import { makeFolder } from './folder.ts'

/**
 * Makes a folder that nobody but us may enter, at a place where everybody may make one (/tmp), or makes sure that it is one. Throws
 * `folder-unsafe` if somebody else made it first, or a link in its place.
 */
export async function makeOwnFolder(path: string): Promise<void> {
  try {
    await makeFolder(path, 0o700)
    const stats = await lstat(path)
    const flaw = stats.isSymbolicLink()
      ? 'it is a link'
      : !stats.isDirectory()
        ? 'it is no folder'
        : stats.uid !== process.geteuid?.()
          ? `it belongs to uid ${stats.uid}`
          : undefined
    if (flaw !== undefined) throw new Error(flaw)
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
