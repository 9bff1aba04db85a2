/** The schema of the whole file. */
import type * as z from 'zod'
import { certificatesSchema } from './certificates.ts'
import { controlSchema } from './control.ts'
import { environmentSchema } from './environment/environment.ts'
import { address } from './gateway/addresses.ts'
import { gatewaySchema } from './gateway/gateway.ts'
import { upstreamSchema } from './gateway/upstreams.ts'
import { usersSchema } from './gateway/users.ts'
import { hooksSchema } from './hooks.ts'
import { customIssue, InvalidValue } from './invalid-value.ts'
import { logSchema } from './log.ts'
import { processSchema } from './process/process.ts'
import { duration, scalar, textOrNothing } from './scalars.ts'
import { mapping, named } from './structures.ts'
import { trustStoresSchema } from './trust-stores.ts'

export const configSchema = mapping({
  version: scalar({
    expected: '`1`, the only version there is',
    read: (written) => (written === '1' ? 1 : new InvalidValue('is not a known version', 'write `version: 1`')),
    json: { type: undefined, enum: [1, '1'] },
  })
    .describe('Version of the config format')
    .default(1),
  environment: environmentSchema.describe('Variables that processes and ${...} see').prefault({}),
  gateway: gatewaySchema.prefault({}),
  upstreams: named(upstreamSchema).describe('Servers that are not supervised here, for `to` of a route').prefault({}),
  users: usersSchema.describe('Users for routes with `auth: { basic: NAME }`').prefault({}),
  processes: named(processSchema).describe('Started in dependency order, stopped in reverse').prefault({}),
  hooks: hooksSchema.describe('Commands and URLs to call when something happens to a process').prefault([]),
  certificates: certificatesSchema.prefault([]),
  trustStores: trustStoresSchema.describe('Trust store files for programs such as Java').prefault({}),
  storage: textOrNothing('the path of a folder')
    .describe(
      'Folder for certificates and other state; default: `/data/gatehouse`; without root, see docs/operating.md',
    )
    .optional(),
  control: controlSchema.prefault({}),
  shutdown: mapping({
    budget: duration.describe('Time limit for the whole shutdown').prefault('30s'),
    deregistrationDelay: duration
      .describe('How much of it to wait, with readiness at 503, before connections are refused')
      .prefault('0s'),
  })
    .superRefine(({ budget, deregistrationDelay }, context) => {
      if (deregistrationDelay > 0 && deregistrationDelay >= budget)
        context.addIssue(
          customIssue(
            'contradiction',
            '`deregistrationDelay` uses up all of `budget`',
            'shorten it, or raise `budget`',
            ['deregistrationDelay'],
          ),
        )
    })
    .prefault({}),
  metrics: mapping({ address: address.describe('Serves `/metrics` there, in Prometheus format') })
    .describe('Off by default')
    .optional(),
  log: logSchema.prefault({}),
})

export type Config = z.output<typeof configSchema>
