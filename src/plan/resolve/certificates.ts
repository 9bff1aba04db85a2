import { type AcmeConfig, acmeDirectories } from '../../config/schema/acme.ts'
import type { CertificateSourceConfig } from '../../config/schema/certificates.ts'
import type { AcmePlan, CertificatePlan, CertificateSourcePlan } from '../model/certificates.ts'
import { type Asked, absolute, keyAt } from './plan-context.ts'

export function resolveCertificates(asked: Asked): readonly CertificatePlan[] {
  return asked.config.certificates.map(({ domains, use }, index) => ({
    domains,
    use: use.map((source) => resolveSource(asked, source)),
    position: keyAt(asked, ['certificates', index]),
  }))
}

function resolveSource(asked: Asked, { files, certbot, caddy, acme }: CertificateSourceConfig): CertificateSourcePlan {
  if (files) {
    const { certificate, key, anyName } = files
    return { kind: 'files', certificate: absolute(asked, certificate), key: absolute(asked, key), anyName }
  }
  if (certbot) return { kind: 'certbot', folder: absolute(asked, certbot.live) }
  if (caddy) return { kind: 'caddy', storage: absolute(asked, caddy.storage) }
  return acme ? resolveAcme(asked, acme) : { kind: 'internal' }
}

function resolveAcme(asked: Asked, acme: AcmeConfig): AcmePlan {
  const { directory, trust, email, externalAccount, dns, profile, preferredChain, key } = acme
  const known = acmeDirectories[directory]
  return {
    kind: 'acme',
    directory: known?.url ?? directory,
    ...(known?.staging !== undefined && { staging: known.staging }),
    ...(trust !== undefined && { trust: absolute(asked, trust) }),
    ...(email !== undefined && { email }),
    ...(externalAccount && { externalAccount }),
    challenges: acme.challenges ?? (dns ? ['dns-01'] : ['http-01', 'tls-alpn-01']),
    ...(dns && { dns: { run: dns.run, directory: asked.directory, environment: { ...asked.environment } } }),
    ...(profile !== undefined && { profile }),
    ...(preferredChain !== undefined && { preferredChain }),
    key,
  }
}
