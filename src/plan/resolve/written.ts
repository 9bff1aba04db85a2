/**
 * What logs, status and `gatehouse plan` show of texts with variables: the texts as in the file, since a variable's
 * value may be a secret. Texts without variables are shown as they are and have no entry here.
 */
import { textOfItem } from '../../config/yaml/command-items.ts'
import { deepest, type LocatedScalar, type Path, shorten } from '../../config/yaml/located.ts'
import type { ProbeCheck } from '../model/probes.ts'
import type { ProcessPlan, WrittenCommand } from '../model/processes.ts'
import type { PlanContext } from './plan-context.ts'

/** The plan of a process with its texts as written. */
export function withWritten(context: PlanContext, plan: ProcessPlan): ProcessPlan {
  const own = ['processes', plan.name]
  const directory = textAt(context, [...own, 'directory'])
  const written = { ...commandAt(context, [...own, 'command']), ...(directory !== undefined && { directory }) }
  const { startup, ready, alive } = plan
  return {
    ...plan,
    ...(Object.keys(written).length > 0 && { written }),
    ...(startup && { startup: withWrittenCheck(context, [...own, 'startup'], startup) }),
    ...(ready && { ready: withWrittenCheck(context, [...own, 'ready'], ready) }),
    ...(alive && { alive: withWrittenCheck(context, [...own, 'alive'], alive) }),
  }
}

function withWrittenCheck<C extends ProbeCheck>(context: PlanContext, path: Path, check: C): C {
  const at = [...path, check.kind]
  const written = check.kind === 'exec' ? commandAt(context, at).program : textAt(context, at)
  return written === undefined ? check : { ...check, written }
}

function textAt({ content }: PlanContext, path: Path): string | undefined {
  const { node, steps } = deepest(content.tree, path)
  return steps === path.length && node.kind === 'scalar' && hasVariables(node) ? shorten(node.written) : undefined
}

export function commandAt({ content }: PlanContext, path: Path): Omit<WrittenCommand, 'directory'> {
  const { node, steps } = deepest(content.tree, path)
  if (steps < path.length || node.kind !== 'list') return {}
  const texts = node.items.map(textOfItem).filter((text): text is LocatedScalar => text.kind === 'scalar')
  if (!texts.some(hasVariables)) return {}
  const first = texts.find(({ value }) => value?.trim())
  return {
    command: texts.map(({ written }) => shorten(written)).join(' '),
    ...(first && hasVariables(first) && { program: shorten(first.written) }),
  }
}

function hasVariables({ value, written }: LocatedScalar): boolean {
  return value !== written
}
