import { z } from 'zod'
import { customIssue } from '../invalid-value.ts'
import { boolean, choice, duration, headerName, text } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { mapping } from '../structures.ts'
import { address } from './addresses.ts'

/** What the lists of browsers ask for (hstspreload.org). */
const leastPreloaded = 31_536_000_000

const hstsSchema = z.union([
  duration.transform((maxAge) => ({ maxAge, includeSubdomains: false, preload: false })),
  mapping({
    maxAge: duration,
    includeSubdomains: boolean.default(false),
    preload: boolean.describe('Asks browsers to list the name for good').default(false),
  }).superRefine(({ maxAge, includeSubdomains, preload }, context) => {
    if (!preload || (includeSubdomains && maxAge >= leastPreloaded)) return
    const hint = 'write `{ maxAge: 1y, includeSubdomains: true, preload: true }`, or leave `preload` out'
    context.addIssue(
      customIssue('contradiction', 'the lists of browsers take only names with subdomains and a year', hint, [
        'preload',
      ]),
    )
  }),
])

const clientCertificatesSchema = mapping({
  ca: text('the path of a PEM file').describe('The authorities whose certificates are accepted; read anew by a reload'),
  mode: choice(['required', 'requested'])
    .describe('`requested`: a client may come without one; one that is not valid is refused all the same')
    .prefault('required'),
  headers: mapping({
    subject: headerName.describe('Its subject, as RFC 4514 writes it').prefault('X-Client-Subject'),
    fingerprint: headerName.describe('SHA-256 in hex').prefault('X-Client-Fingerprint'),
    certificate: headerName.describe('The whole certificate, as RFC 9440 writes it; default: not sent').optional(),
  })
    .describe('What upstreams are told; the same headers from clients are always removed')
    .prefault({}),
})

export const listenerSchema = short(
  mapping({
    address: address.describe('`:8080` is all addresses; port 0 is any free one'),
    tls: boolean.default(false),
    hsts: hstsSchema
      .describe('Strict-Transport-Security: for so long browsers come by HTTPS only; `0` has them forget')
      .optional(),
    clientCertificates: clientCertificatesSchema.describe('Clients show who they are by a certificate').optional(),
    proxyProtocol: choice(['v1', 'v2', 'any'])
      .describe('Every connection begins with a PROXY header of this version; only from `trustedProxies`')
      .optional(),
    health: boolean.describe('Answers the paths of `gateway.health`').default(false),
  }),
  { key: 'address' },
)

export type ListenerConfig = z.output<typeof listenerSchema>
