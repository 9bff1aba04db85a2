/** `npm run check`: all static checks. Exit code 1 if one of them fails. */
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { styleText } from 'node:util'

const project = resolve(import.meta.dirname, '..')

const checks: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: 'types', command: ['node_modules/typescript/bin/tsc'] },
  { name: 'lint and format', command: ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings'] },
  { name: 'generated files are fresh', command: ['scripts/generate.ts', '--check'] },
]

let failed = 0
for (const { name, command } of checks) {
  const started = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [...command], { cwd: project, encoding: 'utf8' })
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const mark = status === 0 ? styleText('green', '✓') : styleText('red', '✗')
  console.log(`${mark} ${name} (${seconds} s)`)
  if (status === 0) continue
  failed++
  console.log(stdout + stderr)
}
process.exitCode = failed === 0 ? 0 : 1
