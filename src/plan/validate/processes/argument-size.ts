import { launchBounds } from '../../launch-size.ts'
import { type Check, keyPosition } from '../../resolve/plan-context.ts'

/** Longest `NAME=value` or argument in bytes, without its NUL: execve(2), MAX_ARG_STRLEN, 32 pages of 4 kB. */
const maxArgument = 131_071

/** Longest total in bytes under the usual stack limit of 8 MB: a quarter of that. */
const usualTotal = 2 * 1_048_576

/**
 * Linux starts no program with a longer one (E2BIG). Only a warning: the file may be for a machine with larger pages.
 */
export const argumentSize: Check = (context, report) => {
  for (const [name, process] of Object.entries(context.config.processes)) {
    const at = keyPosition(context, ['processes', name])
    const warn = (message: string, hint: string) =>
      report({ severity: 'warning', code: 'program-unusable', at, message, hint })
    const warnOfOne = (what: string, bytes: number) =>
      warn(
        `${what} has ${bytes} bytes; Linux allows at most ${maxArgument} in one argument or variable`,
        'have the program read it from a file',
      )
    const { environment = {}, size = 0 } = context.launches.get(name) ?? {}
    if (size > usualTotal) {
      const limit =
        size > launchBounds.most
          ? `at most ${launchBounds.most}`
          : `at most ${usualTotal}, unless the stack limit is above 8 MB`
      warn(
        `its command and variables have ${size} bytes in total; Linux allows ${limit}`,
        'pass only the variables it reads (`environment: { only: [APP_*] }`), or have it read them from a file',
      )
    }
    for (const [variable, value] of Object.entries(environment)) {
      const bytes = Buffer.byteLength(variable) + 1 + Buffer.byteLength(value)
      if (bytes > maxArgument) warnOfOne(`its variable \`${variable}\``, bytes)
    }
    const [bytes = 0] = process.command.map((word) => Buffer.byteLength(word)).filter((length) => length > maxArgument)
    if (bytes > 0) warnOfOne('a word of its command', bytes)
  }
}
