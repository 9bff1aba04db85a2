/**
 * The real programs that tests use, and their Debian packages. Missing ones are installed if we are root; otherwise
 * their tests are skipped, and `npm test` says so.
 */
import { spawnSync } from 'node:child_process'
import { accessSync, constants, globSync } from 'node:fs'
import { delimiter, join } from 'node:path'

interface Part {
  readonly package: string
  /** Continues "tests of". */
  readonly for: string
  /** Only for `npm run test:full`. */
  readonly full?: true
}

const parts = {
  chromium: { package: 'chromium', for: 'the demo in a real browser' },
  certutil: { package: 'libnss3-tools', for: "the browser's trust in the internal certificate authority" },
  // `java Backend.java` needs the compiler, which a runtime lacks.
  javac: { package: 'default-jdk-headless', for: "the demo's Java backend" },
  'redis-server': { package: 'redis-server', for: "rate limits of several replicas, the demo's counter" },
  postgres: { package: 'postgresql', for: 'a database that needs time to stop' },
  h2load: { package: 'nghttp2-client', for: 'load over HTTP/2' },
  slowhttptest: { package: 'slowhttptest', for: 'thousands of slow clients' },
  testssl: { package: 'testssl.sh', for: 'an audit of our TLS' },
  pebble: { package: 'pebble', for: 'certificates from an ACME server' },
  'pebble-challtestsrv': { package: 'pebble', for: 'the DNS of an ACME server' },
  openssl: { package: 'openssl', for: 'our certificates in another TLS library' },
  python3: { package: 'python3', for: 'processes that share memory' },
  faketime: { package: 'faketime', for: 'a clock that jumps' },
  tini: { package: 'tini', for: 'Gatehouse under an init' },
  nginx: { package: 'nginx-light', for: 'an upstream that decodes the paths that it is asked for' },
  haproxy: { package: 'haproxy', for: 'a load balancer in front' },
  ip: { package: 'iproute2', for: 'machines with a network of their own' },
  supervisord: { package: 'supervisor', for: 'moving over from supervisord' },
  strip: { package: 'binutils', for: 'a binary without its symbols' },
  certbot: { package: 'certbot', for: 'moving over from certbot', full: true },
  caddy: { package: 'caddy', for: 'moving over from Caddy', full: true },
  mvn: { package: 'maven', for: 'the reference deployment with real parts', full: true },
  unzip: { package: 'unzip', for: 'the reference deployment with real parts', full: true },
  mmdebstrap: { package: 'mmdebstrap', for: 'the container image', full: true },
  buildah: { package: 'buildah', for: 'the container image', full: true },
  podman: { package: 'podman', for: 'the container image', full: true },
  runc: { package: 'runc', for: 'the container image', full: true },
} as const satisfies Record<string, Part>

export type PartName = keyof typeof parts

export const debianParts: Readonly<Record<PartName, Part>> = parts

/** Where Debian puts programs of which several versions may be installed. */
const offThePath = ['/usr/lib/postgresql/*/bin', '/usr/sbin']

/** Absolute path of a part's program, or undefined if it is not installed. */
export function findPart(name: PartName): string | undefined {
  return findProgram(name)
}

/** Absolute path of a program, or undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  return [...(process.env.PATH ?? '').split(delimiter), ...globSync(offThePath)]
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

/** Of the tier to run: `full` has all parts. */
export function missingParts(full: boolean): PartName[] {
  const names = (Object.keys(debianParts) as PartName[]).filter((name) => full || !debianParts[name].full)
  return names.filter((name) => findPart(name) === undefined)
}

/** Installs missing parts if we are root on Debian; prints what it does, what is still missing, and for which tests. */
export function installMissingParts(full: boolean): void {
  const missing = missingParts(full)
  if (missing.length === 0) return
  installPackages(missing.map((name) => debianParts[name].package))
  for (const name of missingParts(full))
    console.log(`  ${name} is missing: tests of ${debianParts[name].for} are skipped`)
}

/** Installs packages if we are root on Debian; otherwise, and if that fails, prints what is to be done. */
export function installPackages(packages: readonly string[]): void {
  if (process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) {
    console.log(`Missing programs; as root this installs them itself: apt-get install ${packages.join(' ')}`)
    return
  }
  console.log(`Installing ${packages.join(', ')} ...`)
  const started = performance.now()
  // aptGet prints its failures.
  if (aptGet('update')) aptGet('install', '-y', '--no-install-recommends', ...packages)
  console.log(`... took ${Math.round((performance.now() - started) / 1000)} s`)
}

/** Prints the output of apt-get only if it fails. */
function aptGet(...words: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status, stdout, stderr, error } = spawnSync('apt-get', ['-q', ...words], { env, encoding: 'utf8' })
  if (status !== 0) console.log(`apt-get ${words.join(' ')} failed: ${error?.message ?? stderr + stdout}`)
  return status === 0
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
