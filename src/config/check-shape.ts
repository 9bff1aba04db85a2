/**
 * Checks a tree against a schema and finds as much as can be found in one go: what is wrong is reported, taken out, and
 * the rest is checked again, until what is left is sound. So one bad duration hides neither a second mistake in
 * the same entry nor the route that names a process nobody wrote.
 */
import type { z } from 'zod'
import type { Report } from './diagnostics.ts'
import { describeIssue, type Finding, isConsequence } from './hints/describe-issue.ts'
import { deepest, type Located, type Path, plainValue, without } from './yaml/located.ts'

export interface Checked<T> {
  /** What is sound, defaults filled in; undefined if nothing is. */
  readonly value: T | undefined
  /** The tree that `value` was read from: paths into one are paths into the other. */
  readonly tree: Located
}

export function checkShape<S extends z.ZodType>(schema: S, whole: Located, report: Report): Checked<z.output<S>> {
  let tree = whole
  for (;;) {
    const result = schema.safeParse(plainValue(tree))
    if (result.success) return { value: result.data, tree }
    const findings = primaryFindings(result.error.issues.flatMap((issue) => describeIssue(schema, tree, issue)))
    for (const finding of findings) if (!isConsequence(tree, finding)) report(finding.problem)
    const removals = findings.map((finding) => ({ ...finding, remove: existingPath(tree, finding.remove) }))
    if (removals.some(({ remove }) => remove.length === 0)) return { value: undefined, tree }
    tree = without(tree, removals)
  }
}

/** What is wrong in itself goes first: that something is missing may be its consequence, and is looked at again then. */
function primaryFindings(findings: readonly Finding[]): readonly Finding[] {
  const wrong = findings.filter(({ about }) => about === 'value')
  return wrong.length > 0 ? wrong : findings
}

/** As much of a path as exists: a key that is missing condemns the mapping it is missing from. */
function existingPath(tree: Located, path: Path): Path {
  return path.slice(0, deepest(tree, path).steps)
}
