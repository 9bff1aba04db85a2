/** The newest Pebble, built from the Go module proxy: Debian's knows neither renewal information (RFC 9773) nor profiles. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectFolder } from '../e2e/support/gatehouse.ts'

const version = 'v2.10.0'
const folder = join(projectFolder, '.cache/pebble', version)
const program = join(folder, 'pebble')

/** Absolute path of the program, built at the first call; undefined where there is no Go. */
export function newestPebble(): string | undefined {
  if (existsSync(program)) return program
  mkdirSync(folder, { recursive: true })
  const env = { ...process.env, GOBIN: folder }
  const { status, stderr, error } = spawnSync(
    'go',
    ['install', `github.com/letsencrypt/pebble/v2/cmd/pebble@${version}`],
    {
      env,
      encoding: 'utf8',
    },
  )
  if (error) return undefined
  if (status !== 0) throw new Error(`pebble could not be built: ${stderr}`)
  return program
}
