import { createHash, randomBytes } from 'node:crypto'
import type { PasswordHashes } from '../plan/model/guards.ts'

/** Passwords of users to whom the file gives none: made once in a run, so that a reload does not change them. */
export class GeneratedPasswords {
  readonly #tell: (text: string) => void
  readonly #hashes = new Map<string, string>()

  /** `tell` writes to the person who starts us, and to no log: it is the only time that a password is seen. */
  constructor(tell: (text: string) => void) {
    this.#tell = tell
  }

  /** The same users, each with the hash of a password. */
  complete(users: PasswordHashes): PasswordHashes {
    return Object.fromEntries(
      Object.entries(users).map(([name, hash]) => [name, hash ?? this.#hashes.get(name) ?? this.#generate(name)]),
    )
  }

  #generate(name: string): string {
    const password = randomBytes(18).toString('base64url')
    const hash = createHash('sha256').update(password).digest('hex')
    this.#hashes.set(name, hash)
    this.#tell(`user ${name} has the password ${password} (generated, and shown only now)\n`)
    return hash
  }
}
