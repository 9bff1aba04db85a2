import {
  type CertificateStatus,
  certificateStatusSchema,
  type RenewalRefusal,
  renewalRefusals,
} from '../contract/certificates.ts'
import { type Refused, send } from './request.ts'

export interface RenewalRequest {
  /** One of its names. */
  readonly name: string
  /** Revoke the old certificate once there is a new one. */
  readonly revoke: boolean
}

/** Renews a certificate now; resolves with the result, which may take minutes. Throws as `readStatus` does. */
export function renewCertificate(
  socket: string,
  { name, revoke }: RenewalRequest,
): Promise<CertificateStatus | Refused<RenewalRefusal>> {
  const path = `/v1/certificates/${encodeURIComponent(name)}/renew${revoke ? '?revoke=true' : ''}`
  const answers = { result: certificateStatusSchema, refusals: renewalRefusals }
  return send(socket, { method: 'POST', path }, answers)
}
