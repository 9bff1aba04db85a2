/** Reads a Caddyfile, or Caddy's JSON, as a part of our own configuration. */
import type { Reading } from '../reading.ts'
import { RequestIds } from './directives/request-ids.ts'
import { caddyfileTree } from './json/servers.ts'
import { jsonTree } from './json/tree.ts'
import { reportUnread } from './json/unread.ts'
import { Notes, Unreadable } from './notes.ts'
import { readOptions } from './options/options.ts'
import { assemble } from './routes/assemble.ts'
import { readSite } from './routes/site.ts'
import { type Folder, withImports } from './syntax/imports.ts'
import type { Scope } from './syntax/lines.ts'
import { tokensOf } from './syntax/tokens.ts'
import { type Tree, treeOf } from './syntax/tree.ts'

export interface CaddyfileSource extends Folder {
  /** The path as given: absolute, or relative to the working directory. */
  readonly file: string
  readonly text: string
  /** For variables in site addresses and imports; all others stay variables. */
  readonly environment: Readonly<Record<string, string>>
}

/** Never throws because of the content: a file that cannot be read gives nothing but a finding. */
export function readCaddyfile({ file, text, ...folder }: CaddyfileSource): Reading {
  return readTree((notes) => treeOf(withImports(tokensOf(file, text), folder, notes)), folder.environment)
}

/** Reads what `caddy adapt` prints, or a running Caddy serves at `/config/`. */
export function readCaddyJson({ file, text }: Pick<CaddyfileSource, 'file' | 'text'>): Reading {
  return readTree((notes) => {
    const whole = jsonTree(file, text)
    const tree = caddyfileTree(whole)
    reportUnread(whole, notes)
    return tree
  }, {})
}

function readTree(parse: (notes: Notes) => Tree, environment: CaddyfileSource['environment']): Reading {
  const notes = new Notes()
  try {
    const { options: directives, sites } = parse(notes)
    const options = readOptions(directives, notes)
    const scope: Scope = {
      notes,
      order: options.order,
      matchers: new Map(),
      requestIds: new RequestIds(notes),
      gathered: { users: new Map(), hashes: new Map() },
    }
    const read = sites.flatMap((site) => readSite(site, { scope, options, environment }) ?? [])
    return { ...assemble(read, options, scope), findings: notes.list() }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    notes.untranslated(error.at, error.message)
    return { config: {}, comments: [], findings: notes.list() }
  }
}
