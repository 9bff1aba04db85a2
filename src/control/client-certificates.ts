import { GatehouseError } from '../shared/errors.ts'
import { ask, failureOf, parseJson } from './client.ts'
import { failureSchema } from './contract.ts'
import {
  type CertificateStatus,
  certificateStatusSchema,
  type RenewalRefusal,
  renewalRefusals,
} from './contract-certificates.ts'

export interface RenewalRefused {
  readonly refused: RenewalRefusal
  readonly message: string
}

export interface RenewalWish {
  /** One of its names. */
  readonly name: string
  /** The one before is revoked once there is a new one. */
  readonly revoke: boolean
}

/** Has a certificate renewed now; resolves when that is over, which may take minutes. Throws as `readStatus` does. */
export async function renewCertificate(
  socket: string,
  { name, revoke }: RenewalWish,
): Promise<CertificateStatus | RenewalRefused> {
  const path = `/v1/certificates/${encodeURIComponent(name)}/renew${revoke ? '?revoke=true' : ''}`
  const { status, body } = await ask(socket, { method: 'POST', path })
  const answer = parseJson(body)
  const renewed = certificateStatusSchema.safeParse(answer)
  if (renewed.success) return renewed.data
  const failure = failureSchema.safeParse(answer)
  const refusal = renewalRefusals.find((code) => code === failure.data?.error.code)
  if (failure.success && refusal) return { refused: refusal, message: failure.data.error.message }
  throw new GatehouseError('control-failed', `${socket}: ${failureOf(status, body)}`)
}
