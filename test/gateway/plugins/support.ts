/** Plugins on disk, in a folder of their own for each test. */
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ProcessStates } from '../../../src/gateway/plugins/app.ts'
import type { PluginExchange } from '../../../src/gateway/plugins/request.ts'
import type { PluginPlan } from '../../../src/plan/model/routes.ts'
import { temporaryFolder } from '../support.ts'

Object.assign(globalThis, { importFromDisk: createRequire(import.meta.url)('./native-import.cjs') })

/** Writes files by name and returns the folder. */
export async function pluginFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder()
  writeFiles(folder, files)
  return folder
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}

export function pluginAt(file: string, wish: Partial<PluginPlan> = {}): PluginPlan {
  return {
    kind: 'plugin',
    file,
    name: `\`${file}\``,
    position: { file: 'test.yaml', line: 7, column: 15 },
    options: {},
    timeout: 10_000,
    ...wish,
  }
}

/** A plugin with this body, which has `app` and `options`, below these imports. */
export async function plugin(body: string, wish: Partial<PluginPlan> = {}, imports = ''): Promise<PluginPlan> {
  const text = `${imports}\nexport default async function (app, options) {\n${body}\n}\n`
  return pluginAt(join(await pluginFolder({ 'plugin.mjs': text }), 'plugin.mjs'), wish)
}

type Same<A, B> = [A, B] extends [B, A] ? true : false

/** config/plugins/gatehouse.d.ts, which authors copy, declares what there is. */
export const declared: Same<FastifyRequest['exchange'], PluginExchange> &
  Same<FastifyInstance['processes'], ProcessStates> = true
