import type { TrustStorePlan } from '../model/certificates.ts'
import { absolute, keyPosition, type PlanContext } from './plan-context.ts'

export function resolveTrustStores(context: PlanContext): readonly TrustStorePlan[] {
  return Object.entries(context.config.trustStores).map(([name, { file, certificates, system, internal }]) => ({
    name,
    file: absolute(context, file),
    ...(certificates !== undefined && { certificates: absolute(context, certificates) }),
    system,
    internal,
    position: keyPosition(context, ['trustStores', name]),
  }))
}
