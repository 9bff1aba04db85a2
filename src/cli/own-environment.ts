/**
 * What is imported before all else: it keeps the container's variables for the programs (shared/system/given-environment.ts), and from the
 * runtime beneath us: those of Node, OpenSSL and of libraries would otherwise govern Gatehouse, down to whether it verifies
 * certificates (docs/adr/0023-environment.md).
 */
import { isSea } from 'node:sea'
import { isMainThread } from 'node:worker_threads'
import { givenEnvironment, reserved } from '../shared/system/given-environment.ts'

/** All that Gatehouse itself, its runtime and its libraries may see: what is meant for any program of the machine. */
const ownVariables =
  /^(PATH|HOME|USER|LOGNAME|SHELL|PWD|TMPDIR|TMP|TEMP|XDG_\w+|TZ|TZDIR|LANG|LANGUAGE|LC_\w+|TERM|COLORTERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR_FORCE|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|LOCALDOMAIN|RES_OPTIONS|HOSTALIASES|LD_LIBRARY_PATH|GATEHOUSE_\w+)$/

/** Whatever begins like this may have been read before our first line ran; Node's next version may read another one. */
const readEarly = /^(NODE_|UV_|OPENSSL_|OSSL_|ICU_|SIMD(UTF|JSON)_|CARES_|V8_|CTLOG_FILE$|QLOGDIR$|SSLKEYLOGFILE$)/

/** Of these it is known that they were not, or that they may count. They are common, and executing anew costs 30 ms. */
const notReadEarly = /^NODE_(ENV|VERSION|TLS_REJECT_UNAUTHORIZED|EXTRA_CA_CERTS)$/

function isReadEarly(name: string): boolean {
  if (!readEarly.test(name) || notReadEarly.test(name)) return false
  // The binary is built to ignore NODE_OPTIONS. The cache is of compiled sources, which only a checkout has.
  return isSea() ? name !== 'NODE_OPTIONS' : name !== 'NODE_COMPILE_CACHE'
}

/** Puts a new image of ours in the place of this one, with the same pid, in which Node finds none of these variables. */
function executeAnew(): void {
  const { variables, notUtf8, exposed } = givenEnvironment()
  const plain = new Set(exposed.filter((name) => !isReadEarly(name)))
  const environment = Object.fromEntries([
    ...Object.entries(variables).map(([name, value]) => [plain.has(name) ? name : `${reserved.program}${name}`, value]),
    ...notUtf8.map((name) => [`${reserved.notUtf8}${name}`, '']),
  ])
  const words = isSea() ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)]
  process.execve?.(process.execPath, [process.argv0, ...words], environment)
}

// What is read by then, or later, by C: libraries that LD_PRELOAD brings (libfaketime, jemalloc) read theirs at any time, and find them.
if (isMainThread) {
  if (givenEnvironment().exposed.some(isReadEarly)) executeAnew()
  for (const name of Object.keys(process.env))
    if (readEarly.test(name) && !ownVariables.test(name)) delete process.env[name]
}
// What is read by JavaScript, Node's own included. A thread begins with a copy of what C finds.
process.env = Object.fromEntries(Object.entries(process.env).filter(([name]) => ownVariables.test(name)))
