import type { GatewayPlan } from '../../plan/model/plan.ts'
import type { Negotiate } from '../encoding/negotiate.ts'
import type { ClientCertificateHeaders } from '../listen/tls/client-certificates.ts'
import type { HeaderRules, RequestRules } from '../response/header-rules.ts'
import type { AddressTest } from './trust.ts'

/** What an exchange reads of the generation that answers it: the plan, with what was compiled from it. */
export interface ExchangeContext {
  readonly plan: GatewayPlan
  /** Whether an address is that of a trusted proxy. */
  readonly trusts: AddressTest
  /** Response headers of the route with this index; -1: the gateway's own. */
  rulesOf(routeIndex: number): HeaderRules
  /** Request headers of the proxy route with this index. */
  requestRulesOf(routeIndex: number): RequestRules
  /** Values of Strict-Transport-Security, by the name of the listener. */
  readonly hsts: ReadonlyMap<string, string>
  readonly clientCertificates: ClientCertificateHeaders
  /** Negotiates the encoding of an answer by Accept-Encoding. */
  readonly negotiate: Negotiate
}
