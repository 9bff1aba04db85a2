import type { AddressRulesPlan } from '../../plan/model/guards.ts'
import { compileRanges } from '../request/trust.ts'
import type { Guard } from './guard.ts'

/** `deny` takes precedence over `allow`; if there is an `allow`, all other addresses are denied. */
export function addressRules({ allow, deny = [] }: AddressRulesPlan): Guard {
  const denied = compileRanges(deny)
  const allowed = allow && compileRanges(allow)
  return ({ client }) => {
    if (denied(client)) return { status: 403, cause: `address ${client} is denied` }
    if (allowed && !allowed(client)) return { status: 403, cause: `address ${client} is not allowed` }
    return 'pass'
  }
}
