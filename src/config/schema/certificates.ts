import * as z from 'zod'
import { acmeSchema } from './acme.ts'
import { domain } from './gateway/addresses.ts'
import { customIssue } from './invalid-value.ts'
import { boolean, text } from './scalars.ts'
import { short } from './shorthand.ts'
import { listOf, mapping } from './structures.ts'

const kinds = ['files', 'certbot', 'caddy', 'acme', 'internal'] as const

const sourceSchema = short(
  mapping({
    files: mapping({
      certificate: text('the path of a file').describe('PEM: the certificate, then its intermediates'),
      key: text('the path of a file').describe('PEM'),
      anyName: boolean.describe('Also served for names that no certificate covers').default(false),
    }).optional(),
    certbot: mapping({
      live: text('the path of a folder such as `/etc/letsencrypt/live/example.com`').describe(
        'The folder in which certbot keeps fullchain.pem and privkey.pem',
      ),
    }).optional(),
    caddy: mapping({
      storage: text('the path of a folder such as `/data/caddy`').describe(
        'Storage of Caddy, whose certificate for the first domain is served',
      ),
    }).optional(),
    acme: acmeSchema.optional(),
    internal: mapping({}).describe('Issued by the internal CA of Gatehouse').optional(),
  }).superRefine((source, context) => {
    const chosen = kinds.filter((key) => source[key] !== undefined)
    if (chosen.length !== 1)
      context.addIssue(
        customIssue(
          'choose-one',
          'a certificate source needs exactly one of `files`, `certbot`, `caddy`, `acme` and `internal`',
          'write a list item for each: `use: [{ files: ... }, { acme: {} }]`',
        ),
      )
  }),
  { words: ['acme', 'internal'] },
)

export const certificatesSchema = z.array(
  mapping({
    domains: listOf(domain, 'a list of domains'),
    use: listOf(sourceSchema, 'a list of sources: `[{ files: ... }, { acme: {} }]`').describe(
      'Sources in order of preference; the first that can serve is used',
    ),
  }),
  { error: () => 'a list of certificates' },
)

export type CertificateConfig = z.output<typeof certificatesSchema>[number]
export type CertificateSourceConfig = CertificateConfig['use'][number]
