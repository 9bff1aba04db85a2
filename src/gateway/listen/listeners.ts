import type { GatewayPlan, LimitsPlan, ListenerPlan } from '../../plan/model/plan.ts'
import type { ServedCertificate } from '../../shared/served.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import type { InFlight } from '../request/in-flight.ts'
import { type Listener, type ListenerEvents, openListener } from './listener.ts'
import { readClientAuthorities } from './tls/client-certificates.ts'
import { type SniChooser, sniByListener, type TlsSettings } from './tls/sni.ts'

/** What the handshakes of a plan need, read and checked before any port is opened. */
export interface PreparedTls extends Pick<TlsSettings, 'certificates' | 'authorities'> {
  sni(listener: ListenerPlan): SniChooser
}

/**
 * The ports of one thread and what their TLS handshakes are answered with. A port that the next plan has too stays
 * open.
 */
export class Listeners {
  /** They accept no more, and some of their connections are not over yet. */
  readonly closing = new Set<Listener>()
  readonly #inFlight: InFlight
  #open: readonly Listener[] = []
  #tls: TlsSettings

  constructor(ticketKey: Uint8Array, inFlight: InFlight) {
    this.#tls = { certificates: [], ticketKey, authorities: new Map() }
    this.#inFlight = inFlight
  }

  /** Reads what the handshakes of a plan need; rejects if a file cannot be read or a certificate is unusable. */
  async prepareTls(plan: GatewayPlan, certificates: readonly ServedCertificate[]): Promise<PreparedTls> {
    const authorities = await readClientAuthorities(plan.listeners)
    return { certificates, authorities, sni: sniByListener({ ...this.#tls, certificates, authorities }) }
  }

  /** Opens those of the ports that are not open, or none: rejects with the first reason, with nothing new left open. */
  async openMissing(
    plans: readonly ListenerPlan[],
    { sni }: PreparedTls,
    events: ListenerEvents,
  ): Promise<readonly Listener[]> {
    const missing = plans.filter((plan) => !this.#open.some((listener) => isSamePort(listener.plan, plan)))
    const results = await Promise.allSettled(missing.map((plan) => openListener(plan, sni(plan), events)))
    const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) {
      for (const listener of opened) listener.destroy()
      throw failed.reason
    }
    return opened
  }

  /** Adds the opened ports and closes those that are not among the plans. Resolves when they are closed. */
  replace(plans: readonly ListenerPlan[], opened: readonly Listener[]): Promise<unknown> {
    const isKept = (listener: Listener) => plans.some((plan) => isSamePort(listener.plan, plan))
    const closed = this.#open.filter((listener) => !isKept(listener)).map((listener) => this.#close(listener))
    this.#open = [...this.#open.filter(isKept), ...opened]
    return Promise.all(closed)
  }

  /** Counts from the next handshake on; throws, with nothing changed, if a certificate is unusable. */
  setTls(change: Partial<TlsSettings>): void {
    const tls = { ...this.#tls, ...change }
    const sni = sniByListener(tls)
    this.#tls = tls
    for (const listener of this.#open) listener.setSni(sni(listener.plan))
  }

  limit(limits: LimitsPlan): void {
    for (const listener of this.#open) listener.limit(limits)
  }

  /** Accepts no more; resolves when every port is closed. Connections stay until their answers are given. */
  async closeAll(): Promise<void> {
    await Promise.all(this.#open.map((listener) => this.#close(listener)))
  }

  /** Ends the connections that are left on ports that accept no more, when their last bytes have left. */
  async endClosing(): Promise<void> {
    const left = Promise.all([...this.closing].map((listener) => listener.emptied()))
    await Promise.race([left, pause(leaveTime, undefined, { ref: false })])
    for (const listener of this.closing) listener.destroy()
  }

  /** Ends every connection before it returns. Never throws. */
  destroy(): void {
    for (const listener of [...this.#open, ...this.closing]) listener.destroy()
  }

  #close(listener: Listener): Promise<void> {
    this.closing.add(listener)
    this.#inFlight.closeAfterAnswer(listener)
    return listener.stopAccepting(() => this.closing.delete(listener))
  }
}

/** How long clients may take to read the last bytes of answers that are over. */
const leaveTime: Milliseconds = 1_000

/** Whether a listener may stay open for another plan. */
function isSamePort(a: ListenerPlan, b: ListenerPlan): boolean {
  return (
    a.name === b.name &&
    a.host === b.host &&
    a.port === b.port &&
    a.tls === b.tls &&
    a.proxyProtocol === b.proxyProtocol &&
    a.clientCertificates?.required === b.clientCertificates?.required
  )
}
