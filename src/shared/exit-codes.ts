/** The exit codes of the program, as in the README and `gatehouse --help`. */
export const exitCodes = {
  ok: 0,
  configInvalid: 1,
  /** Of `healthcheck`: Docker knows no other than 0 and 1. */
  unhealthy: 1,
  /** Of `import --strict`. */
  untranslated: 1,
  usage: 2,
  /** A port in use, another Gatehouse on the same socket, storage that cannot be written. */
  cannotStart: 3,
  notRunning: 4,
  /** An internal error (EX_SOFTWARE of sysexits.h). */
  internal: 70,
} as const
