import { z } from 'zod'
import { domain } from './addresses.ts'
import { refusal } from './flaw.ts'
import { boolean, text } from './scalars.ts'
import { listOf, mapping } from './structures.ts'

const sourceSchema = mapping({
  files: mapping({
    certificate: text('the path of a file').describe('PEM: the certificate, then its intermediates'),
    key: text('the path of a file').describe('PEM'),
    anyName: boolean.describe('Also served for names that no certificate covers').default(false),
  }).optional(),
  internal: mapping({}).describe('Issued by a certificate authority of our own').optional(),
}).superRefine((source, context) => {
  const chosen = (['files', 'internal'] as const).filter((key) => source[key] !== undefined)
  if (chosen.length !== 1)
    context.addIssue(
      refusal(
        'choose-one',
        'a source of certificates is one of `files` and `internal`',
        'write a list item for each: `use: [{ files: ... }, { internal: {} }]`',
      ),
    )
})

export const certificatesSchema = z.array(
  mapping({
    domains: listOf(domain, 'a list of domains'),
    use: listOf(sourceSchema, 'a list of sources: `[{ files: ... }, { internal: {} }]`').describe(
      'The first that can serve does',
    ),
  }),
  { error: () => 'a list of certificates' },
)

export type CertificateConfig = z.output<typeof certificatesSchema>[number]
