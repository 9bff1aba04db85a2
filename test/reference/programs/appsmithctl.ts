/**
 * The product's own tool, as far as it can be without MongoDB: `backup` puts the settings, without the secrets that the real one
 * leaves out, and Git into an archive; `restore` brings the newest back. With APPSMITHCTL_BROKEN it says that and fails.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sayCommandLine } from './listen.ts'

sayCommandLine('appsmithctl')
if (process.env.APPSMITHCTL_BROKEN) {
  console.error(process.env.APPSMITHCTL_BROKEN)
  process.exit(1)
}
const stacks = process.env.GATEHOUSE_STACKS ?? '/appsmith-stacks'
const settings = join(stacks, 'configuration/docker.env')
const archives = join(stacks, 'data/backup')
const secrets = /^APPSMITH_(ENCRYPTION|MONGODB|DB_URL=|REDIS_URL=|REDIS_PASSWORD=)/
const work = mkdtempSync(join(tmpdir(), 'appsmithctl-'))

try {
  if (process.argv[2] === 'backup') backup()
  else if (process.argv[2] === 'restore') restore()
} finally {
  rmSync(work, { recursive: true })
}

function backup(): void {
  const archive = join(archives, `appsmith-backup-${new Date().toISOString().replaceAll(':', '-')}.tar.gz`)
  const lines = readFileSync(settings, 'utf8').split('\n')
  writeFileSync(join(work, 'docker.env'), lines.filter((line) => !secrets.test(line)).join('\n'))
  symlinkSync(join(stacks, 'git-storage'), join(work, 'git-storage'))
  execFileSync('tar', ['-cahf', archive, '-C', work, '.'])
}

function restore(): void {
  const newest =
    readdirSync(archives)
      .filter((name) => name.startsWith('appsmith-backup-'))
      .sort()
      .at(-1) ?? ''
  execFileSync('tar', ['-xf', join(archives, newest), '-C', work])
  const kept = readFileSync(settings, 'utf8')
    .split('\n')
    .filter((line) => secrets.test(line))
  writeFileSync(settings, `${readFileSync(join(work, 'docker.env'), 'utf8')}\n${kept.join('\n')}\n`)
  renameSync(join(stacks, 'git-storage'), join(stacks, `git-storage-${newest}`))
  execFileSync('mv', [join(work, 'git-storage'), stacks])
}
