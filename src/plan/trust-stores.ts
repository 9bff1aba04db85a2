/** Files of certificates that programs trust, made for those that do not read the system's. */
import type { SourcePosition } from '../config/diagnostics.ts'

export interface TrustStorePlan {
  readonly name: string
  /** Absolute path of the PKCS#12 file that is written. */
  readonly file: string
  /** Absolute path of a folder: its `*.crt` and `*.pem`. */
  readonly certificates?: string
  /** Also those that the system trusts. */
  readonly system: boolean
  /** Also the root of our internal CA. */
  readonly internal: boolean
  readonly position: SourcePosition
}
