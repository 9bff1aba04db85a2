import { type AcmeConfig, acmeDirectories } from '../../config/schema/acme.ts'
import type { CertificateSourceConfig } from '../../config/schema/certificates.ts'
import type { AcmePlan, CertificatePlan, CertificateSourcePlan } from '../model/certificates.ts'
import { absolute, keyPosition, type PlanContext } from './plan-context.ts'

export function resolveCertificates(context: PlanContext): readonly CertificatePlan[] {
  return context.config.certificates.map(({ domains, use }, index) => ({
    domains,
    use: use.map((source) => resolveSource(context, source)),
    position: keyPosition(context, ['certificates', index]),
  }))
}

function resolveSource(
  context: PlanContext,
  { files, certbot, caddy, acme }: CertificateSourceConfig,
): CertificateSourcePlan {
  if (files) {
    const { certificate, key, anyName } = files
    return { kind: 'files', certificate: absolute(context, certificate), key: absolute(context, key), anyName }
  }
  if (certbot) return { kind: 'certbot', folder: absolute(context, certbot.live) }
  if (caddy) return { kind: 'caddy', storage: absolute(context, caddy.storage) }
  return acme ? resolveAcme(context, acme) : { kind: 'internal' }
}

function resolveAcme(context: PlanContext, acme: AcmeConfig): AcmePlan {
  const { directory, trust, email, externalAccount, dns, profile, preferredChain, key } = acme
  const known = acmeDirectories[directory]
  return {
    kind: 'acme',
    directory: known?.url ?? directory,
    ...(known?.staging !== undefined && { staging: known.staging }),
    ...(trust !== undefined && { trust: absolute(context, trust) }),
    ...(email !== undefined && { email }),
    ...(externalAccount && { externalAccount }),
    challenges: acme.challenges ?? (dns ? ['dns-01'] : ['http-01', 'tls-alpn-01']),
    ...(dns && { dns: { run: dns.run, directory: context.directory, environment: { ...context.environment } } }),
    ...(profile !== undefined && { profile }),
    ...(preferredChain !== undefined && { preferredChain }),
    key,
  }
}
