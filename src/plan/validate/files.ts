import { isAbsolute, join, normalize } from 'node:path'
import type { Report } from '../../config/diagnostics.ts'
import type { Path } from '../../config/yaml/located.ts'
import {
  absolute,
  type Check,
  type PlanContext,
  quotedValue,
  valuePosition,
  writtenName,
} from '../resolve/plan-context.ts'

interface RequiredFile {
  readonly kind: 'file' | 'directory'
  /** Absolute. */
  readonly file: string
  readonly path: Path
  /** What the path is relative to, if not the folder of the config file. */
  readonly base?: string
}

/** Served files and working directories must exist. */
export const servedFiles: Check = (context, report) => {
  for (const [name, { directory }] of Object.entries(context.config.processes)) {
    const path = ['processes', name, 'directory']
    if (directory !== undefined)
      requireOnDisk(context, { kind: 'directory', file: absolute(context, directory), path }, report)
  }
  for (const { route, path } of context.routes) {
    if (route.file !== undefined)
      requireOnDisk(context, { kind: 'file', file: absolute(context, route.file), path: [...path, 'file'] }, report)
    if (!route.files) continue
    const { root, fallback, except = [], render } = route.files
    const folder = absolute(context, root)
    const rootThere = requireOnDisk(
      context,
      { kind: 'directory', file: folder, path: [...path, 'files', 'root'] },
      report,
    )
    const inside = [
      ...(fallback === undefined ? [] : [{ file: fallback, path: [...path, 'files', 'fallback'], needed: true }]),
      ...(render?.files ?? []).map((file, index) => {
        return { file, path: [...path, 'files', 'render', 'files', index], needed: true }
      }),
      ...except.map((file, index) => ({ file, path: [...path, 'files', 'except', index], needed: false })),
    ]
    for (const { file, path: where, needed } of inside) {
      const relative = requireRelative(context, { file, path: where }, report)
      if (relative && needed && rootThere)
        requireOnDisk(context, { kind: 'file', file: join(folder, file), path: where, base: '`root`' }, report)
    }
  }
}

/** Without its CA file, no certificate of a target or store could be trusted. */
export const upstreamFiles: Check = (context, report) => {
  const { ca } = context.config.gateway.rateLimitStore ?? {}
  const path = ['gateway', 'rateLimitStore', 'ca']
  if (ca !== undefined) requireOnDisk(context, { kind: 'file', file: absolute(context, ca), path }, report)
  for (const [name, { tls }] of Object.entries(context.config.upstreams)) {
    const path = ['upstreams', name, 'tls', 'ca']
    if (tls?.ca !== undefined) requireOnDisk(context, { kind: 'file', file: absolute(context, tls.ca), path }, report)
  }
}

/** Only warnings: another source serves, or at worst the internal CA. */
export const certificateFiles: Check = (context, report) => {
  for (const [index, { use }] of context.config.certificates.entries()) {
    for (const [position, { files }] of use.entries()) {
      if (!files) continue
      const keys = ['certificate', 'key'] as const
      const noneThere = keys.every((key) => context.facts.kindOf(absolute(context, files[key])) === 'absent')
      // A place for a pair that may come later is usual, as long as another source serves.
      const severity = noneThere && position < use.length - 1 ? 'note' : 'warning'
      for (const key of keys) {
        const path = ['certificates', index, 'use', position, 'files', key]
        const wanted: RequiredFile = { kind: 'file', file: absolute(context, files[key]), path }
        requireOnDisk(context, wanted, (problem) => report({ ...problem, severity }))
      }
    }
  }
}

/** Without its CA file, no client could connect. */
export const clientAuthorityFiles: Check = (context, report) => {
  for (const { clientCertificates, path } of context.listeners) {
    if (!clientCertificates) continue
    const wanted = { file: absolute(context, clientCertificates.ca), path: [...path, 'clientCertificates', 'ca'] }
    requireOnDisk(context, { kind: 'file', ...wanted }, report)
  }
}

function requireOnDisk(context: PlanContext, { kind, file, path, base }: RequiredFile, report: Report): boolean {
  const found = context.facts.kindOf(file)
  // Sockets and devices are not files, but a key may come through a named pipe.
  if (found === kind || (found === 'other' && kind === 'file')) return true
  const subject = `${kind === 'file' ? 'file' : 'folder'} ${writtenName(context, path)}`
  const what = found === 'absent' ? 'does not exist' : kind === 'file' ? 'is a folder' : 'is not a folder'
  const hint = /(?:^|\/)~\//.test(file)
    ? 'only a shell expands `~`: write `${HOME}` instead'
    : `create it, or correct the path; paths are relative to ${base ?? 'the folder of this file'}`
  report({ code: 'missing-file', at: valuePosition(context, path), message: `${subject} ${what}`, hint })
  return false
}

function requireRelative(context: PlanContext, { file, path }: Omit<RequiredFile, 'kind'>, report: Report): boolean {
  if (!isAbsolute(file) && !normalize(file).startsWith('..')) return true
  const message = `${quotedValue(context, path)} is not a path below \`root\``
  report({
    code: 'wrong-value',
    at: valuePosition(context, path),
    message,
    hint: 'write it relative to `root`: `index.html`',
  })
  return false
}
