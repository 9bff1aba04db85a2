/** Variables of a service: its own, and those of files. */
import { written } from '../marked.ts'
import type { Entries, Value } from '../reading.ts'
import type { Report } from '../reports.ts'
import type { Fields } from './fields.ts'
import { itemsOf, textsOf } from './lists.ts'
import type { Node } from './tree.ts'

/** `environment` of our process. `all`: the names of all services. */
export function environmentOf(fields: Fields, all: readonly string[], report: Report): Entries {
  const files = envFiles(fields.node('env_file'))
  if (files.length > 0) report(fields.placeOf('env_file'), 'note', 'paths are relative to the folder of the new file')
  const set = itemsOf(fields, 'environment').flatMap(({ name, value, at }): [string, string][] => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      report(at, 'untranslated', `\`${name}\` is not a variable name: use letters, digits and \`_\``)
      return []
    }
    const host = all.find((service) => hostPattern(service).test(value ?? ''))
    if (host !== undefined) {
      const hint = 'a process of this container is at 127.0.0.1'
      report(at, 'untranslated', `\`${name}\` has \`${host}\` as a host, a name that only Compose knows: ${hint}`)
    }
    // A name alone inherits the variable, as all variables are here.
    return value === undefined ? [] : [[name, written(value)]]
  })
  if (files.length === 0 && set.length === 0) return {}
  return {
    environment: {
      ...(files.length > 0 && { files }),
      ...(set.length > 0 && { set: Object.fromEntries(set) }),
    },
  }
}

/** `db`, `db:5432`, `postgres://user:password@db/app`, `a:1,db:2`. */
function hostPattern(service: string): RegExp {
  return new RegExp(`(^|//|@|,)${service.replaceAll('.', '\\.')}(?=[:/,]|$)`)
}

function envFiles(node: Node | undefined): readonly Value[] {
  if (node?.kind === 'scalar') return [{ path: written(node.text) }]
  if (node?.kind !== 'list') return []
  return node.items.flatMap((item): Value[] => {
    if (item.kind === 'scalar') return [{ path: written(item.text) }]
    const path = item.kind === 'mapping' ? textsOf(item.entries.get('path')?.value)[0]?.value : undefined
    if (path === undefined || item.kind !== 'mapping') return []
    const optional = textsOf(item.entries.get('required')?.value)[0]?.value === 'false'
    return [{ path: written(path), ...(optional && { when: { file: written(path) } }) }]
  })
}
