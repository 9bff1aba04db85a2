/** What control needs from the rest of the house; runtime/ wires it. Whatever is not part of the contract is not told. */

import type { CertificateStatus, RenewalRefusal } from './contract/certificates.ts'
import type { Status } from './contract/contract.ts'
import type { ControlEvent } from './contract/events.ts'
import type { PreviewRefusal, ReloadPreview } from './contract/reload.ts'
import type { Refusal, RunReport } from './contract/runs.ts'

export interface ControlSource {
  /** How things stand at this moment. */
  status(): Status
  readonly events: EventSource
  /** What a reload would change; the file is read for it, and nothing else happens. */
  previewReload(): Promise<ReloadPreview | { readonly refused: PreviewRefusal; readonly message: string }>
  /** Runs a task now, or says why not. */
  run(name: string): RunAnswer
  /** A new certificate for this name, now; resolves when it serves, or says why not. Never rejects. */
  renew(name: string, options: { readonly revoke: boolean }): Promise<RenewalAnswer>
}

export interface EventSource {
  /** The id of the last event; before the first, one that no event has. */
  readonly lastEvent: number
  /** All events behind the one with this id; undefined if some of them are not known any more. */
  since(id: number): readonly ControlEvent[] | undefined
  /** Returns what ends the subscription. */
  subscribe(listener: (event: ControlEvent) => void): () => void
}

export type RunAnswer =
  | { readonly started: true; readonly ended: Promise<Omit<RunReport, 'process'>> }
  | { readonly started: false; readonly refusal: Refusal; readonly message: string }

export type RenewalAnswer =
  | { readonly renewed: true; readonly certificate: CertificateStatus }
  | { readonly renewed: false; readonly refusal: RenewalRefusal; readonly message: string }
