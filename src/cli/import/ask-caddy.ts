import type { FileAccess, ForeignFile } from '../../import/import-files.ts'
import type { Finding } from '../../import/reading.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'

/** For one file. */
const timeout: Milliseconds = 10_000

/** Compares what was read with what an installed Caddy reads. Without Caddy there are no findings. */
export async function askCaddy(files: readonly ForeignFile[], around: FileAccess): Promise<readonly Finding[]> {
  const { compareWithCaddy } = await import('../../import/caddy/compare-with-caddy.ts')
  const { readCaddyfile } = await import('../../import/caddy/read-caddyfile.ts')
  const findings: Finding[] = []
  for (const { file, text, kind } of files) {
    if (kind !== 'caddyfile') continue
    const adapted = await adapt(file, around.environment)
    if (adapted === undefined) continue
    if ('refused' in adapted) {
      const refused = withoutValues(adapted.refused, text, around.environment)
      const message = `the Caddy of this machine does not take this file, and could not be asked whether it was read rightly: ${refused}`
      findings.push({ file, line: 1, column: 1, severity: 'note', message })
      continue
    }
    const reading = readCaddyfile({ file, text, ...around })
    findings.push(...compareWithCaddy(file, reading, adapted.json, around.environment))
  }
  return findings
}

/** Caddy's error messages may contain values of variables, which may be secrets. */
function withoutValues(refused: string, file: string, environment: Readonly<Record<string, string>>): string {
  const named = new Set([...file.matchAll(/\{(?:\$|env\.)(\w+)/g)].map(([, name]) => name))
  return Object.entries(environment).reduce((cleared, [name, value]) => {
    // Shorter values are common words and numbers. Imported files may name further variables.
    const shortest = named.has(name) ? 3 : 8
    return value.length < shortest ? cleared : cleared.replaceAll(value, `{$${name}}`)
  }, refused)
}

/** Undefined: Caddy is not installed. */
async function adapt(
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ json: string } | { refused: string } | undefined> {
  const { runCommand } = await import('../../supervisor/run-command.ts')
  const lines: string[] = []
  const command = ['caddy', 'adapt', '--config', file, '--adapter', 'caddyfile', '--pretty']
  const output = {
    line: (stream: 'stdout' | 'stderr', text: string) => {
      if (stream === 'stdout') lines.push(text)
    },
    record: () => {},
  }
  const program = { command, directory: process.cwd(), environment }
  const { failure, spawned, lastOutput } = await runCommand(program, output, { timeout })
  if (!spawned) return undefined
  return failure === undefined ? { json: lines.join('\n') } : { refused: lastOutput.at(-1) ?? failure }
}
