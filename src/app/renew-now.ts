import type { Certificates } from '../certificates/maintain.ts'
import type { RenewalAnswer } from '../control/control-source.ts'
import { GatehouseError, messageOf } from '../shared/errors.ts'

/** A renewal on request, with the reason if there is no new certificate. Never rejects. */
export async function renewNow(
  certificates: Pick<Certificates, 'describe' | 'renew'>,
  name: string,
  options: { readonly revoke: boolean },
): Promise<RenewalAnswer> {
  const all = certificates.describe().flatMap(({ names }) => names)
  // In the plan all names are lower-case.
  const wanted = name.toLowerCase()
  if (!all.includes(wanted)) {
    const message = `no certificate for ${name}; configured names: ${all.join(', ') || 'none'}`
    return { renewed: false, refusal: 'unknown-certificate', message }
  }
  try {
    return { renewed: true, certificate: await certificates.renew(wanted, options) }
  } catch (error) {
    const refusal = error instanceof GatehouseError ? 'not-renewable' : 'renewal-failed'
    return { renewed: false, refusal, message: messageOf(error) }
  }
}
