/** What control needs from the rest of Gatehouse; app wires it. Fields beyond the contract are not sent. */

import type { CertificateStatus, RenewalRefusal } from './contract/certificates.ts'
import type { Status } from './contract/contract.ts'
import type { ControlEvent } from './contract/events.ts'
import type { PreviewRefusal, ReloadPreview } from './contract/reload.ts'
import type { Refusal, RunReport } from './contract/runs.ts'

export interface ControlSource {
  status(): Status
  readonly events: EventSource
  /** What a reload would change; reads the file, and changes nothing. */
  previewReload(): Promise<ReloadPreview | { readonly refused: PreviewRefusal; readonly message: string }>
  /** Starts a service or runs a task now. */
  run(name: string): RunAnswer
  /** Gets a new certificate for this name now; resolves when it is in use, or with the refusal. Never rejects. */
  renew(name: string, options: { readonly revoke: boolean }): Promise<RenewalAnswer>
}

export interface EventSource {
  /** The id of the last event; before the first one, an id that no event has. */
  readonly lastEvent: number
  /** All events after the one with this id; undefined if some of them are no longer known. */
  since(id: number): readonly ControlEvent[] | undefined
  /** Returns what unsubscribes. */
  subscribe(listener: (event: ControlEvent) => void): () => void
}

export type RunAnswer =
  | { readonly started: true; readonly ended: Promise<Omit<RunReport, 'process'>> }
  | { readonly started: false; readonly refusal: Refusal; readonly message: string }

export type RenewalAnswer =
  | { readonly renewed: true; readonly certificate: CertificateStatus }
  | { readonly renewed: false; readonly refusal: RenewalRefusal; readonly message: string }
