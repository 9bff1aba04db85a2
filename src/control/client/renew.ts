import {
  type CertificateStatus,
  certificateStatusSchema,
  type RenewalRefusal,
  renewalRefusals,
} from '../contract/certificates.ts'
import { order, type Refused } from './request.ts'

export interface RenewalWish {
  /** One of its names. */
  readonly name: string
  /** The one before is revoked once there is a new one. */
  readonly revoke: boolean
}

/** Has a certificate renewed now; resolves when that is over, which may take minutes. Throws as `readStatus` does. */
export function renewCertificate(
  socket: string,
  { name, revoke }: RenewalWish,
): Promise<CertificateStatus | Refused<RenewalRefusal>> {
  const path = `/v1/certificates/${encodeURIComponent(name)}/renew${revoke ? '?revoke=true' : ''}`
  const answers = { result: certificateStatusSchema, refusals: renewalRefusals }
  return order(socket, { method: 'POST', path }, answers)
}
