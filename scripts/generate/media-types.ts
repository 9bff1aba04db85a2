/** The table of media types by file extension, from mime-db. */
import { createRequire } from 'node:module'

interface Entry {
  readonly source?: string
  readonly extensions?: readonly string[]
}

/** By extension, where mime-db has none, or one that browsers or a later RFC do not share. */
const overrides: Readonly<Record<string, string>> = {
  // IANA has application/node: a browser that gets it does not run the module.
  cjs: 'text/javascript',
  // RFC 9639; mime-db has Apache's audio/x-flac.
  flac: 'audio/flac',
  // IANA has two for each: of the project files of a DASH patch, and of audio without a picture.
  mpp: 'application/vnd.ms-project',
  mp4: 'video/mp4',
  mpg4: 'video/mp4',
  '3gpp': 'video/3gpp',
  // What browsers call it; Apache's is audio/x-wav.
  wav: 'audio/wav',
  // RFC 9512, RFC 8878.
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zst: 'application/zstd',
}

/** What an unknown file is anyway. */
const unknown = 'application/octet-stream'

/** The order of preference. Types without a source are left out. */
const sources = ['iana', 'apache', 'nginx']

/** A TypeScript module: one line for each type, `type|extension|extension|`. */
export function mediaTypesModule(): string {
  const db = createRequire(import.meta.url)('mime-db') as Readonly<Record<string, Entry>>
  const typeOf = new Map<string, string>()
  for (const source of sources)
    for (const [type, { extensions = [], ...entry }] of Object.entries(db))
      if (entry.source === source)
        for (const extension of extensions) if (!typeOf.has(extension)) typeOf.set(extension, type)
  for (const [extension, type] of Object.entries(overrides)) typeOf.set(extension, type)
  const extensionsOf = new Map<string, string[]>()
  for (const [extension, type] of typeOf)
    if (type !== unknown) extensionsOf.set(type, [...(extensionsOf.get(type) ?? []), extension])
  const lines = [...extensionsOf].map(([type, extensions]) => `${type}|${extensions.toSorted().join('|')}|`)
  return `// Generated from mime-db by \`npm run generate\`: the overrides are in scripts/generate/media-types.ts.
/** One line for each type: \`type|extension|extension|\`. */
export const mediaTypes = \`
${lines.toSorted().join('\n')}
\`
`
}
