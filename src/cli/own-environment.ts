/**
 * Imported before everything else: it keeps the container's variables for the programs
 * (shared/system/given-environment.ts) and hides them from Gatehouse's own runtime, since those of Node, OpenSSL and
 * libraries would change Gatehouse itself, down to whether it verifies certificates (docs/adr/0023-environment.md).
 */
import { isSea } from 'node:sea'
import { isMainThread } from 'node:worker_threads'
import { givenEnvironment, reserved } from '../shared/system/given-environment.ts'

/** All variables that Gatehouse, its runtime and its libraries may see: those that are meant for any program. */
const ownVariables =
  /^(PATH|HOME|USER|LOGNAME|SHELL|PWD|TMPDIR|TMP|TEMP|XDG_\w+|TZ|TZDIR|LANG|LANGUAGE|LC_\w+|TERM|COLORTERM|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|CLICOLOR_FORCE|(HTTPS?|ALL|NO)_PROXY|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|LOCALDOMAIN|RES_OPTIONS|HOSTALIASES|LD_LIBRARY_PATH|GATEHOUSE_\w+)$/

/** Node may have read any of these before our first line ran; its next version may read others. */
const readEarly = /^(NODE_|UV_|OPENSSL_|OSSL_|ICU_|SIMD(UTF|JSON)_|CARES_|V8_|CTLOG_FILE$|QLOGDIR$|SSLKEYLOGFILE$)/

/** Except these, which are read later or may take effect. They are common, and executing again costs 30 ms. */
const notReadEarly = /^NODE_(ENV|VERSION|TLS_REJECT_UNAUTHORIZED|EXTRA_CA_CERTS)$/

function isReadEarly(name: string): boolean {
  if (!readEarly.test(name) || notReadEarly.test(name)) return false
  // The binary ignores NODE_OPTIONS by its build. The compile cache matters only for a checkout.
  return isSea() ? name !== 'NODE_OPTIONS' : name !== 'NODE_COMPILE_CACHE'
}

/** Executes this program again, with the same pid, without these variables for Node. */
function executeAgain(): void {
  const { variables, notUtf8, exposed } = givenEnvironment()
  const plain = new Set(exposed.filter((name) => !isReadEarly(name)))
  const environment = Object.fromEntries([
    ...Object.entries(variables).map(([name, value]) => [plain.has(name) ? name : `${reserved.program}${name}`, value]),
    ...notUtf8.map((name) => [`${reserved.notUtf8}${name}`, '']),
  ])
  const words = isSea() ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)]
  process.execve?.(process.execPath, [process.argv0, ...words], environment)
}

// The environment of C code. Libraries from LD_PRELOAD (libfaketime, jemalloc) read their variables at any time, so
// those stay.
if (isMainThread) {
  if (givenEnvironment().exposed.some(isReadEarly)) executeAgain()
  for (const name of Object.keys(process.env))
    if (readEarly.test(name) && !ownVariables.test(name)) delete process.env[name]
}
// The environment of JavaScript, Node's own included. Threads start with a copy of C's environment.
process.env = Object.fromEntries(Object.entries(process.env).filter(([name]) => ownVariables.test(name)))
