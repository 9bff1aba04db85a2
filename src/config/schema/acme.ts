/** A source of certificates: an ACME server (RFC 8555). */
import type * as z from 'zod'
import { customIssue, InvalidValue } from './invalid-value.ts'
import { anyText, choice, formOrVariable, scalar, text } from './scalars.ts'
import { short } from './shorthand.ts'
import { listOf, mapping } from './structures.ts'

/** CAs known by name, with their staging directories. */
export const acmeDirectories: Readonly<Record<string, { readonly url: string; readonly staging?: string }>> = {
  letsencrypt: {
    url: 'https://acme-v02.api.letsencrypt.org/directory',
    staging: 'https://acme-staging-v02.api.letsencrypt.org/directory',
  },
  'letsencrypt-staging': { url: 'https://acme-staging-v02.api.letsencrypt.org/directory' },
  zerossl: { url: 'https://acme.zerossl.com/v2/DV90' },
  google: {
    url: 'https://dv.acme-v02.api.pki.goog/directory',
    staging: 'https://dv.acme-v02.test-api.pki.goog/directory',
  },
}

const names = Object.keys(acmeDirectories)

const directory = scalar({
  expected: `${names.map((name) => `\`${name}\``).join(', ')}, or the \`https://\` URL of a directory`,
  words: names,
  read(written) {
    if (names.includes(written)) return written
    const url = URL.parse(written)
    if (url?.protocol === 'http:')
      return new InvalidValue('is not encrypted', 'ACME requires `https://` (RFC 8555 §6.1)')
    return url?.protocol === 'https:' ? written : undefined
  },
  json: formOrVariable({ enum: names }, { type: 'string', pattern: '^https://' }),
})

/** Empty, as from a variable that is not set, counts as absent. */
const optionalText = anyText.transform((written) => written || undefined)

const externalAccount = mapping({
  keyId: optionalText.optional(),
  hmac: optionalText.describe('base64url, as the CA shows it').optional(),
})
  .superRefine(({ keyId, hmac }, context) => {
    if ((keyId === undefined) !== (hmac === undefined))
      context.addIssue(
        customIssue(
          'missing-key',
          '`keyId` and `hmac` must be given together',
          'write both, as the CA shows them, or neither',
        ),
      )
  })
  .transform(({ keyId, hmac }) => (keyId !== undefined && hmac !== undefined ? { keyId, hmac } : undefined))

const challengeTypes = ['http-01', 'tls-alpn-01', 'dns-01'] as const

export const acmeSchema = mapping({
  directory: directory.describe('The CA: a known name, or the URL of its ACME directory').prefault('letsencrypt'),
  trust: optionalText
    .describe('PEM file with roots to trust for this CA, in addition to those of the system')
    .optional(),
  email: optionalText.describe('Contact address; some CAs send expiry notices to it').optional(),
  challenges: listOf(choice(challengeTypes), 'a list of `http-01`, `tls-alpn-01` and `dns-01`')
    .describe('Allowed challenges in order of preference; default: http-01, tls-alpn-01; with `dns`: dns-01')
    .optional(),
  externalAccount: externalAccount.describe('External account binding, for CAs that require it').optional(),
  dns: mapping({
    run: short(listOf(anyText, 'a list of words: the program and its arguments'), { split: true }).describe(
      'Called with `set NAME VALUE`, later with `clear NAME VALUE`; must exit once the TXT record is visible',
    ),
  }).optional(),
  profile: text('a profile of the CA, such as `shortlived`').optional(),
  preferredChain: text('the common name of a root, such as `ISRG Root X1`').optional(),
  key: choice(['ecdsa-p256', 'ecdsa-p384', 'rsa-2048', 'rsa-4096']).prefault('ecdsa-p256'),
}).superRefine(({ challenges, dns }, context) => {
  if (challenges?.includes('dns-01') && !dns)
    context.addIssue(
      customIssue(
        'missing-key',
        '`dns-01` is allowed, but there is no command to set a record',
        'add `dns: { run: [./dns-hook] }`',
        ['challenges'],
      ),
    )
  if (dns && challenges && !challenges.includes('dns-01'))
    context.addIssue(
      customIssue(
        'contradiction',
        '`dns` is never used: `challenges` does not allow dns-01',
        'add `dns-01` to `challenges`',
        ['dns'],
      ),
    )
})

export type AcmeConfig = z.output<typeof acmeSchema>
