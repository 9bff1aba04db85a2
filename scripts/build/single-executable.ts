/** Node's single executable application: a copy of the running Node with a script and assets. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Until our own handler of SIGUSR1 is installed, Node's opens the inspector, by which any local user could take over:
 * it gets an address that no machine has (RFC 5737). With `--disable-sigusr1` the signal would stay blocked, and could
 * not reopen log files. The option for OpenSSL overrides OPENSSL_CONF, which may name code to load.
 */
const runtimeOptions = ['--inspect-port=192.0.2.1:65535', '--openssl-config=/dev/null']

export interface SingleExecutable {
  /** Folder of all the files below; the result is written there too. */
  readonly folder: string
  readonly main: string
  readonly assets: readonly string[]
  readonly output: string
}

/**
 * Copies the running Node to `file` without its symbols, which are a fifth of it. Must precede the injection: stripping
 * afterwards breaks the binary. Returns the reason if it was copied unchanged.
 */
export function stripNode(file: string): string | undefined {
  // macOS refuses a binary whose signature no longer fits.
  const reason = process.platform === 'linux' ? stripTo(file) : `symbols are kept on ${process.platform}`
  if (reason !== undefined) copyFileSync(process.execPath, file)
  return reason
}

function stripTo(file: string): string | undefined {
  const { status, error, stderr } = spawnSync('strip', ['-o', file, process.execPath], { encoding: 'utf8' })
  if (error) return 'symbols are kept: there is no `strip` here (Debian: binutils)'
  if (status !== 0) throw new Error(`strip: ${stderr.trim()}`)
  return undefined
}

/**
 * Injects main and assets into `base`. All names are relative to the folder, because Node writes them into the binary.
 */
export function inject(base: string, { folder, main, assets, output }: SingleExecutable): void {
  const config = {
    main,
    mainFormat: 'commonjs',
    executable: base,
    output,
    disableExperimentalSEAWarning: true,
    // NODE_OPTIONS of a container is meant for its programs; `--require ./x` would break Gatehouse itself.
    execArgvExtension: 'none',
    execArgv: runtimeOptions,
    assets: Object.fromEntries(assets.map((name) => [name, name])),
  }
  writeFileSync(join(folder, 'sea.json'), JSON.stringify(config))
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--build-sea', 'sea.json'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`node --build-sea: ${(stderr + stdout).trim()}`)
}
