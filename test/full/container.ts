/** Images and containers of a test, in a storage of their own: nothing is left of them, and nobody else's are touched. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { projectFolder } from '../e2e/support/gatehouse.ts'
import { type LinePattern, LineRecord, type LogLine, parseLine } from '../e2e/support/log-lines.ts'
import { part } from '../parts.ts'

export interface Container {
  readonly name: string
  readonly lines: readonly LogLine[]
  /** Within 20 s, or so many milliseconds. */
  waitFor(pattern: LinePattern, timeout?: number): Promise<LogLine>
  /** Its exit code, and whatever of its output was no line of the log, once it has ended. */
  readonly exit: Promise<number>
  /** What a command says inside of it. */
  inside(...words: readonly string[]): Promise<string>
  /** Its own HEALTHCHECK, as podman runs it: exit code and last words. */
  health(): Promise<{ readonly code: number; readonly said: string }>
  /** What `podman inspect` tells under this template. */
  inspect(template: string): Promise<string>
  /** As an orchestrator stops it: STOPSIGNAL, and SIGKILL after so many seconds. */
  stop(grace: number): Promise<void>
}

/** What `docker build` is told. */
export interface Build {
  /** Default: the Dockerfile of the context. */
  readonly file?: string
  /** Default: the project's folder. */
  readonly context?: string
  readonly target?: string
  readonly args?: Readonly<Record<string, string>>
  /** More words of the command line. */
  readonly words?: readonly string[]
}

/** What `docker run` is told. */
export interface Run {
  /** Default: the base image. */
  readonly image?: string
  readonly options?: readonly string[]
  readonly variables?: Readonly<Record<string, string>>
}

export interface Image {
  readonly bytes: number
  /** Digests, from the bottom up. */
  readonly layers: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}

export interface Workshop {
  readonly folder: string
  /** Builds an image and names it `localhost/NAME`; `localhost/gatehouse` and `localhost/debian` are there. */
  build(name: string, build: Build): Promise<Image>
  inspect(name: string): Promise<Image>
  run(name: string, run?: Run): Container
  /** Ends what still runs and removes every layer. */
  close(): Promise<void>
}

interface Words {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

/** As root, with all parts; otherwise the tests of images are skipped. */
export const possible =
  process.getuid?.() === 0 && (['mmdebstrap', 'buildah', 'podman', 'runc'] as const).every((name) => part(name))

/** The base image on a Debian of this machine's own release, with the binary that is in dist/. */
export const baseBuild: Build = {
  target: 'base',
  args: { BASE: 'localhost/debian', BUILDER: 'localhost/debian', BINARY: 'built' },
}

/** With that base image in it; `dist/gatehouse` must be there. */
export async function openWorkshop(): Promise<Workshop> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-image-'))
  const storage = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--storage-driver', 'overlay']
  // There is no systemd to ask for a cgroup, and no journal to write to.
  const podmanWords = [
    ...storage,
    '--tmpdir',
    join(folder, 'tmp'),
    '--cgroup-manager',
    'cgroupfs',
    '--events-backend',
    'file',
  ]
  const podman = (...words: readonly string[]) => call('podman', [...podmanWords, ...words])
  const close = async () => {
    await podman('rm', '--all', '--force', '--time', '0')
    // Also what a build that failed has left; layers are mounted as long as anything stands on them.
    await call('buildah', [...storage, 'rm', '--all'])
    await podman('rmi', '--all', '--force')
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    succeeded(await podman('import', '--quiet', await debian(), 'localhost/debian'))
    await build('gatehouse', baseBuild)
    return { folder, build, inspect, run, close }
  } catch (error) {
    await close()
    throw error
  }

  async function build(name: string, { file, context = projectFolder, target, args = {}, words = [] }: Build) {
    const choices = Object.entries(args).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`])
    if (file !== undefined) choices.push('--file', file)
    if (target !== undefined) choices.push('--target', target)
    const always = ['bud', '--isolation', 'chroot', '--pull-never', '--format', 'docker', '--tag', `localhost/${name}`]
    succeeded(await call('buildah', [...storage, ...always, ...choices, ...words, context]))
    return await inspect(name)
  }

  async function inspect(name: string): Promise<Image> {
    const { stdout } = succeeded(await podman('image', 'inspect', `localhost/${name}`))
    const [{ Size: bytes, RootFS, Labels }] = JSON.parse(stdout)
    return { bytes, layers: RootFS.Layers, labels: Labels }
  }

  function run(name: string, { image = 'gatehouse', options = [], variables = {} }: Run = {}): Container {
    const limits = ['--ulimit', 'nofile=16384:16384', '--ulimit', 'nproc=4096:4096']
    const how = ['--name', name, '--runtime', 'runc', '--network', 'host', ...limits, ...options]
    for (const [key, value] of Object.entries(variables)) how.push('--env', `${key}=${value}`)
    const child = spawn('podman', [...podmanWords, 'run', ...how, `localhost/${image}`], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const record = new LineRecord()
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => record.add(parseLine(line)))
    const exit = once(child, 'close').then(([code]) => {
      record.end(`the container ended with ${code}`)
      return code as number
    })
    const inspectRun = async (template: string) =>
      succeeded(await podman('inspect', '--format', template, name)).stdout.trim()
    return {
      name,
      lines: record.lines,
      exit,
      inspect: inspectRun,
      waitFor: (pattern, timeout = 20_000) => record.waitFor(pattern, 0, timeout),
      inside: async (...words) => succeeded(await podman('exec', name, ...words)).stdout,
      async health() {
        const { code } = await podman('healthcheck', 'run', name)
        const log = await inspectRun('{{json .State.Health.Log}}')
        return { code, said: (JSON.parse(log) as { Output: string }[]).at(-1)?.Output ?? '' }
      },
      stop: async (grace) => void succeeded(await podman('stop', '--time', String(grace), name)),
    }
  }
}

async function call(program: string, words: readonly string[]): Promise<Words> {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, words, { maxBuffer: 64_000_000 })
    return { stdout, stderr, code: 0 }
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as Partial<Words>
    if (typeof code !== 'number') throw error
    return { stdout, stderr, code }
  }
}

function succeeded(words: Words): Words {
  if (words.code === 0) return words
  throw new Error(`exit code ${words.code}:\n${words.stdout.slice(-2_000)}\n${words.stderr.slice(-2_000)}`)
}

/** A minimal Debian as a tar file, made once. */
async function debian(): Promise<string> {
  const file = join(projectFolder, '.cache/debian', `${release()}.tar`)
  if (existsSync(file)) return file
  mkdirSync(dirname(file), { recursive: true })
  // Under its name only when it is whole; another test may be making it, too.
  const made = `${file.slice(0, -4)}-${process.pid}.tar`
  succeeded(await call('mmdebstrap', ['--variant=minbase', '--quiet', release(), made]))
  renameSync(made, file)
  return file
}

/** `bookworm`. */
function release(): string {
  const [, name] = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  if (name === undefined) throw new Error('this is no Debian')
  return name
}
