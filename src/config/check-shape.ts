/**
 * Checks a tree against a schema and finds as much as possible in one go: what is wrong is reported and removed, and
 * the rest is checked again until it is valid. So one bad duration hides neither a second mistake in the same entry nor
 * a route that names an unknown process.
 */
import type * as z from 'zod'
import type { Report } from './diagnostics.ts'
import { describeIssue, type Finding, isConsequence } from './hints/describe-issue.ts'
import { deepest, type Located, type Path, plainValue, without } from './yaml/located.ts'

export interface Checked<T> {
  /** The valid part, with defaults filled in; undefined if there is none. */
  readonly value: T | undefined
  /** The tree that `value` was read from: the same paths lead to the same things. */
  readonly tree: Located
}

export function checkShape<S extends z.ZodType>(schema: S, whole: Located, report: Report): Checked<z.output<S>> {
  let tree = whole
  for (;;) {
    // For one file, zod's compiler takes longer than it saves: 10 ms of a start (and saves 50 ms of 10,000 routes).
    const result = schema.safeParse(plainValue(tree), { jitless: true })
    if (result.success) return { value: result.data, tree }
    const findings = primaryFindings(result.error.issues.flatMap((issue) => describeIssue(schema, tree, issue)))
    for (const finding of findings) if (!isConsequence(tree, finding)) report(finding.problem)
    const removals = findings.map((finding) => ({ ...finding, remove: existingPath(tree, finding.remove) }))
    if (removals.some(({ remove }) => remove.length === 0)) return { value: undefined, tree }
    tree = without(tree, removals)
  }
}

/** Wrong values first: a missing key may be a consequence of one, and is looked at again afterwards. */
function primaryFindings(findings: readonly Finding[]): readonly Finding[] {
  const wrong = findings.filter(({ about }) => about === 'value')
  return wrong.length > 0 ? wrong : findings
}

/** The part of a path that exists: a missing key invalidates its mapping. */
function existingPath(tree: Located, path: Path): Path {
  return path.slice(0, deepest(tree, path).steps)
}
