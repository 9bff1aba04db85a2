/** What the program's exit code means; the README and `gatehouse --help` say the same. */
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
  /** A fault of our own (EX_SOFTWARE of sysexits.h). */
  internal: 70,
} as const
