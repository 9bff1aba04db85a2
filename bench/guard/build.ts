/** Binaries of the present sources and of a commit. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

const project = resolve(import.meta.dirname, '../..')
const cache = join(project, 'node_modules/.cache/gatehouse-bench')

/** Path of dist/gatehouse, built anew if a source is newer. */
export function presentBinary(): string {
  const binary = join(project, 'dist/gatehouse')
  const inputs = globSync(['src/**/*', 'scripts/build.ts', 'scripts/build/*', 'package-lock.json'], { cwd: project })
  const newest = Math.max(...inputs.map((file) => statSync(join(project, file)).mtimeMs))
  if (!existsSync(binary) || statSync(binary).mtimeMs < newest) {
    console.log('Building the present sources ...')
    build(project)
  }
  return binary
}

/** The full id of a commit; throws if there is no such commit. */
export function commitOf(name: string): string {
  return run('git', ['rev-parse', '--verify', `${name}^{commit}`], project).trim()
}

/** What has landed last: `origin/main` if the repository has it, else the parent of the present commit. */
export function lastLanded(): string {
  const known = spawnSync('git', ['rev-parse', '--verify', '--quiet', 'origin/main'], { cwd: project }).status === 0
  return known ? 'origin/main' : 'HEAD~1'
}

/** Path of the binary of a commit, kept for the next time. */
export function binaryOf(commit: string): string {
  const folder = join(cache, commit)
  const binary = join(folder, 'gatehouse')
  if (existsSync(binary)) return binary
  console.log(`Building ${commit.slice(0, 12)} ...`)
  mkdirSync(join(project, 'dist'), { recursive: true })
  // In dist/, because hard links do not reach another file system.
  const tree = mkdtempSync(join(project, 'dist/.guard-'))
  try {
    run('git', ['worktree', 'add', '--detach', '--force', tree, commit], project)
    if (sameText(join(tree, 'package-lock.json'), join(project, 'package-lock.json')))
      run('cp', ['-al', join(project, 'node_modules'), tree], project)
    else run('npm', ['ci', '--no-audit', '--no-fund'], tree)
    build(tree)
    mkdirSync(folder, { recursive: true })
    copyFileSync(join(tree, 'dist/gatehouse'), binary)
    return binary
  } finally {
    rmSync(tree, { recursive: true, force: true })
    run('git', ['worktree', 'prune'], project)
  }
}

function build(folder: string): void {
  run('sh', ['scripts/node.sh', 'scripts/build.ts'], folder, {
    ...process.env,
    PATH: `${join(folder, 'node_modules/.bin')}:${process.env.PATH}`,
  })
}

function sameText(one: string, other: string): boolean {
  return readFileSync(one, 'utf8') === readFileSync(other, 'utf8')
}

function run(program: string, args: readonly string[], cwd: string, env = process.env): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env, encoding: 'utf8' })
  if (status !== 0)
    throw new Error(
      `${program} ${args.join(' ')} failed in ${cwd}: ${error?.message ?? (stderr + stdout).slice(-2_000)}`,
    )
  return stdout
}
