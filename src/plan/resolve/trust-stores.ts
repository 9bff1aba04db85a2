import type { TrustStorePlan } from '../model/certificates.ts'
import { type Asked, absolute, keyAt } from './plan-context.ts'

export function resolveTrustStores(asked: Asked): readonly TrustStorePlan[] {
  return Object.entries(asked.config.trustStores).map(([name, { file, certificates, system, internal }]) => ({
    name,
    file: absolute(asked, file),
    ...(certificates !== undefined && { certificates: absolute(asked, certificates) }),
    system,
    internal,
    position: keyAt(asked, ['trustStores', name]),
  }))
}
