/** The folder that the Dockerfile beside this is built in. */
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectFolder } from '../../e2e/support/gatehouse.ts'

/** Puts them into a new folder. */
export function makeContext(folder: string): string {
  mkdirSync(folder)
  copyFileSync(join(import.meta.dirname, 'Dockerfile'), join(folder, 'Dockerfile'))
  copyFileSync(process.execPath, join(folder, 'node'))
  cpSync(join(projectFolder, 'test/reference'), join(folder, 'stand-ins/reference'), { recursive: true })
  cpSync(join(projectFolder, 'node_modules/ws'), join(folder, 'stand-ins/node_modules/ws'), { recursive: true })
  makeSite(folder)
  return folder
}

/** The editor's files and info.json. */
export function makeSite(folder: string): void {
  const files = {
    'editor/index.html': '<title>{{env "APPSMITH_NAME"}} {{env "APPSMITH_VERSION_ID"}}</title>',
    'editor/404.html': '<title>lost</title>',
    'editor/static/js/main.1a2b.js': 'console.log(1)\n',
    'info.json': '{"version":"v1.2.3","commitSha":"0badcafe","imageBuiltAt":"2026-01-02"}',
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}
