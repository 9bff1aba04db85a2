/** Which lines continue the record before them. */
import type { MultilinePlan } from '../../plan/model/output.ts'

/** To be called with each line of a stream, in order: it may keep state. */
export type Continuation = (line: string) => boolean

export function continuationOf(rule: MultilinePlan): Continuation {
  switch (rule.kind) {
    case 'java':
      return (line) => java.test(line)
    case 'node':
      return node()
    case 'python':
      return python()
    case 'first': {
      const first = new RegExp(rule.pattern)
      return (line) => !first.test(line)
    }
  }
}

/** Frames, `... 12 more` (Logback: `common frames omitted`), causes, and suppressed exceptions, which are indented. */
const java = /^(?:\s+at\s|\s+\.\.\. \d+ |\s*Caused by: |\s*Suppressed: |\s+\[CIRCULAR REFERENCE)/

/**
 * Frames, and what console.error and uncaught exceptions print after them: the properties of the error in braces, of
 * which the closing one is not indented; `[cause]: Error: ...` has its own frames.
 */
function node(): Continuation {
  const frame = /^\s+at\s/
  let inTrace = false
  let inBraces = false
  return (line) => {
    if (frame.test(line)) {
      inTrace = true
      inBraces ||= line.endsWith(' {')
      return true
    }
    const belongs = inTrace && inBraces && (/^\s/.test(line) || line === '}')
    if (!belongs) inTrace = false
    if (!belongs || line === '}') inBraces = false
    return belongs
  }
}

/**
 * A traceback is a headline, indented lines, and the exception, which is not indented; chained ones follow after an
 * empty line and a sentence that connects them.
 */
function python(): Continuation {
  const headline = /^Traceback \(most recent call last\):/
  const chain = /^(?:During handling of the above exception|The above exception was the direct cause)/
  let part: 'outside' | 'frames' | 'over' | 'chain' = 'outside'
  return (line) => {
    const before = part
    if (headline.test(line)) {
      part = 'frames'
      return before === 'chain'
    }
    if (before === 'frames') {
      if (!/^\s/.test(line)) part = 'over'
      return true
    }
    if (before === 'outside') return false
    if (chain.test(line)) part = 'chain'
    else if (line !== '') part = 'outside'
    return part !== 'outside'
  }
}
