/** Do the CAA records allow this CA to issue (RFC 8659)? */
import type { CaaRecord } from 'node:dns'
import { isIP } from 'node:net'
import { messageOf } from '../../shared/errors.ts'
import { bad, type Check, type Finding, forEachName, good, unknown } from './check.ts'
import type { Names } from './names.ts'

/** CAA names of CAs whose directory does not say them, by the end of its host. */
const known: readonly (readonly [string, string])[] = [
  ['letsencrypt.org', 'letsencrypt.org'],
  ['zerossl.com', 'sectigo.com'],
  ['pki.goog', 'pki.goog'],
]

export const checkCaa: Check = async (context) => {
  const { acme, names } = context
  if (!acme) return []
  const { host, caaNames } = await acme.directory()
  const hostname = new URL(acme.plan.directory).hostname
  const identities =
    caaNames.length > 0 ? caaNames : known.flatMap(([end, name]) => (hostname.endsWith(end) ? [name] : []))
  return forEachName(context, (name) => look(name, { names, identities, host }))
}

interface Lookup {
  readonly names: Names
  readonly identities: readonly string[]
  readonly host: string
}

async function look(name: string, { names, identities, host }: Lookup): Promise<readonly Finding[]> {
  if (isIP(name) !== 0) return []
  const isWildcard = name.startsWith('*.')
  let found: { readonly at: string; readonly records: readonly CaaRecord[] } | undefined
  try {
    found = await relevant(name.replace('*.', ''), names)
  } catch (error) {
    return [unknown(`cannot read the CAA records of ${name} (${messageOf(error)}); a CA that cannot read them refuses`)]
  }
  if (!found) return [good(`no CAA record for ${name} excludes ${host}`)]
  const { at, records } = found
  const of = (tag: 'issue' | 'issuewild') => records.flatMap((record) => record[tag] ?? [])
  const wild = isWildcard ? of('issuewild') : []
  const rules = wild.length > 0 ? wild : of('issue')
  // Only records of other kinds, such as iodef (RFC 8659 §4.2).
  if (rules.length === 0) return [good(`the CAA records of ${at} exclude no CA`)]
  const allowed = rules.map((rule) => rule.split(';')[0]?.trim() ?? '').filter((issuer) => issuer !== '')
  const listed = allowed.length === 0 ? 'no CA' : allowed.join(', ')
  if (identities.length === 0)
    return [unknown(`the CAA records of ${at} allow ${listed}; the CAA name of ${host} is not known`)]
  if (identities.some((one) => allowed.includes(one))) return [good(`the CAA records of ${at} allow ${listed}`)]
  const tag = wild.length > 0 ? 'issuewild' : 'issue'
  return [
    bad(
      `the CAA records of ${at} allow ${listed}, not ${host}`,
      `add \`${at}. CAA 0 ${tag} "${identities[0]}"\` to the DNS`,
    ),
  ]
}

/** The records of the name or of its closest parent that has any (RFC 8659 §3). Rejects if the DNS does not answer. */
async function relevant(
  name: string,
  names: Names,
): Promise<{ at: string; records: readonly CaaRecord[] } | undefined> {
  const labels = name.split('.')
  for (let start = 0; start < labels.length; start += 1) {
    const at = labels.slice(start).join('.')
    const records = await names.caa(at)
    if (records.length > 0) return { at, records }
  }
  return undefined
}
