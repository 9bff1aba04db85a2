import type { ListenerConfig } from '../../../config/schema/gateway/listener.ts'
import type { ClientCertificatesPlan } from '../../model/gateway.ts'
import type { ListenerPlan } from '../../model/plan.ts'
import { absolute, keyPosition, type PlanContext } from '../plan-context.ts'

export function resolveListeners(context: PlanContext): readonly ListenerPlan[] {
  return context.listeners.map(({ path, hsts, clientCertificates, ...listener }) => ({
    ...listener,
    ...(hsts && { hsts: hstsValue(hsts) }),
    ...(clientCertificates && { clientCertificates: resolveClientCertificates(context, clientCertificates) }),
    position: keyPosition(context, path),
  }))
}

/** RFC 6797 §6.1. */
function hstsValue({ maxAge, includeSubdomains, preload }: NonNullable<ListenerConfig['hsts']>): string {
  const directives = [`max-age=${Math.floor(maxAge / 1_000)}`]
  if (includeSubdomains) directives.push('includeSubDomains')
  if (preload) directives.push('preload')
  return directives.join('; ')
}

function resolveClientCertificates(
  context: PlanContext,
  { ca, mode, headers }: NonNullable<ListenerConfig['clientCertificates']>,
): ClientCertificatesPlan {
  const { subject, fingerprint, certificate } = headers
  return {
    ca: absolute(context, ca),
    required: mode === 'required',
    headers: {
      subject: subject.toLowerCase(),
      fingerprint: fingerprint.toLowerCase(),
      ...(certificate !== undefined && { certificate: certificate.toLowerCase() }),
    },
  }
}
