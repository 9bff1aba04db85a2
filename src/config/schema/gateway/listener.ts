import * as z from 'zod'
import { customIssue } from '../invalid-value.ts'
import { boolean, choice, duration, headerName, text } from '../scalars.ts'
import { short } from '../shorthand.ts'
import { mapping } from '../structures.ts'
import { address } from './addresses.ts'

/** What browser preload lists require (hstspreload.org). */
const minPreloadAge = 31_536_000_000

const hstsSchema = z.union([
  duration.transform((maxAge) => ({ maxAge, includeSubdomains: false, preload: false })),
  mapping({
    maxAge: duration,
    includeSubdomains: boolean.default(false),
    preload: boolean.describe('Asks browsers to put the name on their preload lists').default(false),
  }).superRefine(({ maxAge, includeSubdomains, preload }, context) => {
    if (!preload || (includeSubdomains && maxAge >= minPreloadAge)) return
    const hint = 'write `{ maxAge: 1y, includeSubdomains: true, preload: true }`, or remove `preload`'
    context.addIssue(
      customIssue('contradiction', 'browser preload lists require `includeSubdomains` and a `maxAge` of a year', hint, [
        'preload',
      ]),
    )
  }),
])

const clientCertificatesSchema = mapping({
  ca: text('the path of a PEM file').describe('CAs whose certificates are accepted; read again on reload'),
  mode: choice(['required', 'requested'])
    .describe('`requested`: a certificate is optional, but an invalid one is refused')
    .prefault('required'),
  headers: mapping({
    subject: headerName.describe('Subject, in RFC 4514 form').prefault('X-Client-Subject'),
    fingerprint: headerName.describe('SHA-256 in hex').prefault('X-Client-Fingerprint'),
    certificate: headerName.describe('The whole certificate, in RFC 9440 form; default: not sent').optional(),
  })
    .describe('Headers that tell upstreams about the certificate; always removed from client requests')
    .prefault({}),
})

export const listenerSchema = short(
  mapping({
    address: address.describe('`:8080` listens on all addresses; port 0 is any free port'),
    tls: boolean.default(false),
    hsts: hstsSchema.describe('Strict-Transport-Security: how long browsers use HTTPS only; `0` clears it').optional(),
    clientCertificates: clientCertificatesSchema.describe('Client certificate authentication (mutual TLS)').optional(),
    proxyProtocol: choice(['v1', 'v2', 'any'])
      .describe('Expects a PROXY header of this version on every connection; only from `trustedProxies`')
      .optional(),
    health: boolean.describe('Serves the paths of `gateway.health`').default(false),
  }),
  { key: 'address' },
)

export type ListenerConfig = z.output<typeof listenerSchema>
