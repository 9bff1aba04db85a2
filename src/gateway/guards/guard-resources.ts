import { AuthServices } from './auth-services.ts'
import { Stores, type StoresOptions } from './rate-limit/stores.ts'
import { RateLimitTable } from './rate-limit/table.ts'

/** What the guards of all generations of a thread share. */
export interface GuardResources {
  readonly stores: Stores
  readonly authServices: AuthServices
  close(): void
}

export interface GuardResourcesOptions extends Omit<StoresOptions, 'table'> {
  /** Shared by all threads; see rate-limit/table.ts. */
  readonly rateLimits: SharedArrayBuffer
}

export function createGuardResources({ rateLimits, ...options }: GuardResourcesOptions): GuardResources {
  const stores = new Stores({ ...options, table: new RateLimitTable(rateLimits) })
  const authServices = new AuthServices()
  return {
    stores,
    authServices,
    close() {
      stores.close()
      authServices.destroy()
    },
  }
}
