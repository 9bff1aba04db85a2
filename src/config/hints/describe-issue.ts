/** Turns issues of the schema into diagnostics: place, what was expected, what was found, what to write. */
import * as z from 'zod'
import type { Problem, SourcePosition } from '../diagnostics.ts'
import { needsShell } from '../environment/shell-syntax.ts'
import type { IssueFacts } from '../schema/invalid-value.ts'
import { shorthands } from '../schema/shorthand.ts'
import { alternatives, schemaAt, stepInto } from '../schema-walk.ts'
import {
  deepest,
  isLost,
  keyPositionAt,
  type Located,
  type LocatedScalar,
  type Path,
  plainValue,
  quote,
} from '../yaml/located.ts'
import { exampleAt, flowScalar } from './example.ts'
import { foreignKeyHint } from './foreign-keys.ts'
import { equivalentKey, equivalentWord } from './foreign-words.ts'
import { malformedKeyHint, unsplitHint, unsplitKey } from './malformed-keys.ts'
import { keysAllowedAt } from './schema-keys.ts'
import { nearest, suggestion } from './suggest.ts'

type Issue = z.core.$ZodIssue

export interface Finding {
  readonly problem: Problem
  /** What to remove before the rest is checked again; a part of the path may not exist. */
  readonly remove: Path
  /** `whole`: about a mapping or list as a whole; `missing`: about a missing key; `value`: about the value itself. */
  readonly about: 'value' | 'missing' | 'whole'
  /** The key that an unknown one probably means, which is then not reported as missing. */
  readonly meant?: string | undefined
}

export function describeIssue(schema: z.ZodType, tree: Located, issue: Issue): readonly Finding[] {
  const path = issue.path as Path
  const { node, steps } = deepest(tree, path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(schema, tree, [...path, key]))
  if (issue.code === 'invalid_union') return describeUnion(schema, tree, issue)
  if (issue.code === 'invalid_key') return [badName(tree, path, factsOf(issue.issues[0]).expected)]
  if (steps < path.length && node.kind === 'mapping') return [missingKey(schema, tree, path, expectation(issue))]
  const facts = factsOf(issue)
  if (facts.code && facts.hint) {
    const problem = { code: facts.code, at: keyPositionAt(tree, path), message: issue.message, hint: facts.hint }
    return [{ problem, remove: path, about: 'whole' }]
  }
  const at = node.kind === 'scalar' && node.value === null ? keyPositionAt(tree, path) : node.at
  const hint = exampleHint(schema, tree, issue)
  return [
    {
      problem: { ...badValue(node, issue, at), ...(hint !== undefined && { hint }) },
      remove: path,
      about: issue.code === 'too_small' ? 'whole' : 'value',
    },
  ]
}

/** Whether a finding only reports the absence of something that was reported and removed before. */
export function isConsequence(tree: Located, { about, remove }: Finding): boolean {
  if (about === 'missing') return isLost(tree, remove)
  if (about === 'value') return false
  const { node } = deepest(tree, remove)
  return node.kind === 'mapping' ? node.lost.size > 0 : node.kind === 'list' && node.lost
}

/** For a mapping or list: the shortest valid example, with the value found if it fits in. */
function exampleHint(schema: z.ZodType, tree: Located, issue: Issue): string | undefined {
  const isKind = issue.code === 'invalid_union' || issue.code === 'invalid_type'
  const place = isKind ? schemaAt(schema, issue.path as Path) : undefined
  if (!place) return undefined
  const { node } = deepest(tree, issue.path as Path)
  const meant =
    node.kind === 'scalar' &&
    (shellHint(place, node) ?? unsplitHint(node.written, keysAllowedAt(schema, issue.path as Path)))
  if (meant) return meant
  const example = exampleAt(place, mayBeSecret(node) ? undefined : node)
  const key = issue.path.at(-1)
  if (example === undefined || key === undefined) return undefined
  return `write \`${typeof key === 'string' ? `${flowScalar(key)}: ` : ''}${example}\``
}

/** A URL with a password in it, which must not be repeated. */
function mayBeSecret(node: Located): boolean {
  return node.kind === 'scalar' && /:\/\/[^/\s]*@/.test(node.written)
}

/** For a command written as one text: a list, or a shell if it needs one. */
function shellHint(place: z.ZodType, { value, written }: LocatedScalar): string | undefined {
  if (!value || !alternatives(place).some((one) => 'split' in (shorthands.get(one) ?? {}))) return undefined
  if (!needsShell(written.replaceAll(/\$\{[^{}]*\}/g, ''))) return listHint(written, '')
  return `a command runs without a shell; to use one, write \`[sh, -c, ${JSON.stringify(written)}]\``
}

function unknownKey(schema: z.ZodType, tree: Located, path: Path): Finding {
  const key = String(path.at(-1))
  const allowed = keysAllowedAt(schema, path.slice(0, -1))
  const meant = equivalentKey(key, allowed)
  const hint =
    (meant && `did you mean \`${meant}\`?`) ??
    malformedKeyHint(key, allowed) ??
    foreignKeyHint(key, allowed, scalarAt(tree, path)) ??
    gatewayHint(schema, path) ??
    movedHint(schema, tree, path, allowed) ??
    suggestion(key, allowed, 'keys') ??
    'remove it: no key is allowed here'
  const problem: Problem = {
    code: 'unknown-key',
    at: keyPositionAt(tree, path),
    message: `unknown key \`${key}\``,
    hint,
  }
  return { problem, remove: path, about: 'value', meant: meant ?? unsplitKey(key, allowed) ?? nearest(key, allowed) }
}

function scalarAt(tree: Located, path: Path): string | undefined {
  const { node } = deepest(tree, path)
  return node.kind === 'scalar' && node.value !== null ? node.written : undefined
}

/** A key of `gateway` that was written below a listener or route. */
function gatewayHint(schema: z.ZodType, path: Path): string | undefined {
  const key = String(path.at(-1))
  if (path[0] !== 'gateway' || path.length < 3) return undefined
  const known = keysAllowedAt(schema, ['gateway']).filter((one) => one !== 'when')
  if (known.includes(key)) return `it applies to all requests: move it up, below \`gateway\``
  const meant = equivalentKey(key, known)
  return meant && `it applies to all requests: write it as \`${meant}\` below \`gateway\``
}

/** A key that belongs a level above or below, or is an entry of a mapping next to it. */
function movedHint(schema: z.ZodType, tree: Located, path: Path, allowed: readonly string[]): string | undefined {
  const key = String(path.at(-1))
  if (nearest(key, allowed)) return undefined
  const owner = schemaAt(schema, path.slice(0, -1))
  const value = plainValue(deepest(tree, path).node)
  const section = path.length > 1 && key !== 'when' ? schemaAt(schema, [key]) : undefined
  if (section?.safeParse(value).success)
    return `move it to the top level of the file: \`${key}\` is a section of its own`
  const below = allowed.filter((one) => {
    const inner = owner && stepInto(owner, one)
    const isKnown = inner && alternatives(inner).some((it) => it instanceof z.ZodObject && Object.hasOwn(it.shape, key))
    return isKnown && value !== null
  })
  if (below.length === 1) return `move it below \`${below[0]}\``
  const asEntry = allowed.find((one) => {
    // A route's headers take any name: only one with a `-` is probably meant for them.
    if (one === 'headers' && !key.includes('-')) return false
    const inner = owner && stepInto(owner, one)
    const record = inner && alternatives(inner).find((it) => it instanceof z.ZodRecord)
    return record?.safeParse({ [key]: value }).success === true
  })
  return asEntry && path.length > 1 ? `move it below \`${asEntry}\`` : undefined
}

function missingKey(schema: z.ZodType, tree: Located, path: Path, expected: string): Finding {
  const owner = path.slice(0, -1)
  const message = `${ownerName(owner)} is missing \`${path.at(-1)}\``
  const place = schemaAt(schema, path)
  const example = place && exampleAt(place)
  const added = example && `add \`${path.at(-1)}: ${example}\``
  const hint = added ? (expected === 'a mapping' ? added : `${added}, ${expected}`) : `add it: ${expected}`
  const problem: Problem = { code: 'missing-key', at: keyPositionAt(tree, owner), message, hint }
  return { problem, remove: path, about: 'missing' }
}

function ownerName(path: Path): string {
  const key = path.at(-1)
  return typeof key === 'string' ? `\`${key}\`` : 'this item'
}

function badName(tree: Located, path: Path, expected = 'a name'): Finding {
  const at = keyPositionAt(tree, path)
  const problem: Problem = {
    code: 'bad-name',
    at,
    message: `\`${path.at(-1)}\` is not a valid name`,
    hint: `expected ${expected}`,
  }
  return { problem, remove: path, about: 'value' }
}

function badValue(node: Located, issue: Issue, at: SourcePosition): Problem {
  const { invalid, words, secret } = factsOf(issue)
  const isHidden = secret || (issue.code === 'invalid_type' && mayBeSecret(node))
  const found = isHidden ? 'another value (hidden: it may be a secret)' : quote(node)
  if (invalid) {
    const isWritten = !secret && node.kind === 'scalar' && node.value === node.written && !mayBeSecret(node)
    const hint = invalid.instead !== undefined && isWritten ? `write \`${invalid.instead}\`` : invalid.hint
    return { code: 'wrong-value', at, message: `${isHidden ? 'this value' : found} ${invalid.problem}`, hint }
  }
  const expected = expectation(issue)
  if (issue.code === 'too_small')
    return { code: 'wrong-value', at, message: 'this list is empty', hint: `write ${expected}` }
  const code = issue.code === 'invalid_type' ? 'wrong-type' : 'wrong-value'
  const message = `expected ${expected}, found ${found}`
  return { code, at, message, hint: hintFor(node, issue, words) }
}

function hintFor(node: Located, issue: Issue, words?: readonly string[]): string | undefined {
  if (node.kind !== 'scalar') return undefined
  if (node.value === null) return 'write a value, or remove the key'
  if (/^[“”‘’«„]/.test(node.written))
    return `YAML takes only straight quotes: write \`"${node.written.replaceAll(/["“”‘’«»„]/g, '')}"\``
  if (issue.code === 'invalid_type' && issue.expected === 'array') return listHint(node.written, expectation(issue))
  if (!words || node.value !== node.written) return undefined
  return didYouMean(node.written, words) ?? (words.includes('true') ? 'write `true`, or remove the key' : undefined)
}

/** `expected` lists the words already: only a similar one is worth repeating. */
function didYouMean(written: string, words: readonly string[]): string | undefined {
  const near = equivalentWord(written, words) ?? nearest(written, words)
  return near && `did you mean \`${near}\`?`
}

/** The words as a list, unless that would mislead: quotes group words, and a form in `expected` says more. */
function listHint(written: string, expected: string): string | undefined {
  if (expected.includes('`[')) return undefined
  if (/["'\\]/.test(written)) return 'write a list, one item for each word'
  const words = written.split(/[\s,]+/).filter((word) => word !== '')
  return `write a list: \`[${words.map((word) => (/^[\w./@%+=-]+$/.test(word) ? word : JSON.stringify(word))).join(', ')}]\``
}

/** Each alternative has its own issues; only those of the one that the value was meant for are reported. */
function describeUnion(schema: z.ZodType, tree: Located, issue: z.core.$ZodIssueInvalidUnion): readonly Finding[] {
  const { node, steps } = deepest(tree, issue.path as Path)
  const isOfKind = (issues: readonly Issue[]) =>
    !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0)
  const meant = issue.errors.find(isOfKind)
  if (meant) {
    const prefixed = meant.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
    const findings = prefixed.flatMap((inner) => describeIssue(schema, tree, inner))
    const [only] = findings
    if (findings.length !== 1 || !only || only.problem.hint !== undefined || node.kind !== 'scalar') return findings
    return [{ ...only, problem: { ...only.problem, hint: exampleHint(schema, tree, issue) } }]
  }
  const expected = issue.errors.map(([first]) => (first ? expectation(first) : '')).join(' or ')
  if (steps < issue.path.length && node.kind === 'mapping') {
    return [missingKey(schema, tree, issue.path as Path, expected)]
  }
  const message = `expected ${expected}, found ${quote(node)}`
  const hint = exampleHint(schema, tree, issue)
  return [{ problem: { code: 'wrong-type', at: node.at, message, hint }, remove: issue.path as Path, about: 'value' }]
}

/**
 * Continues "expected ...": every scalar and list of the schema has its own text; zod's messages are for developers.
 */
function expectation(issue: Issue): string {
  const { expected } = factsOf(issue)
  if (expected) return expected
  if (issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record')) return 'a mapping'
  return issue.message
}

function factsOf(issue: Issue | undefined): IssueFacts {
  if (issue?.code === 'custom') return (issue.params ?? {}) as IssueFacts
  return issue?.code === 'invalid_format' ? { expected: issue.message } : {}
}
