import { createHash, randomBytes } from 'node:crypto'
import type { PasswordHashes } from '../plan/model/guards.ts'

/** Passwords for users without one in the file: generated once in a run, so that a reload does not change them. */
export class GeneratedPasswords {
  readonly #print: (text: string) => void
  readonly #hashes = new Map<string, string>()

  /** `print` writes to the terminal and to no log file: a password is shown this once. */
  constructor(print: (text: string) => void) {
    this.#print = print
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
    this.#print(`user ${name} has the password ${password} (generated, and not shown again)\n`)
    return hash
  }
}
