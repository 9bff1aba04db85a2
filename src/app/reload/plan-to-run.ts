/** A plan that is about to be run, at a start or a reload: unlike `check` and `plan`, it has real secrets in it. */
import { randomInt } from 'node:crypto'
import { type Problem, toDiagnostic } from '../../config/diagnostics.ts'
import type { FileToCreate } from '../../config/environment/environment-files.ts'
import { completed } from '../../config/environment/new-variables.ts'
import { writeVariables } from '../../config/environment/write-variables.ts'
import { type PlanReading, readPlan } from '../../plan/read-plan.ts'
import { codeOf } from '../../shared/errors.ts'
import { createFileAtomic } from '../../shared/files/atomic-file.ts'

export interface PlanToRun extends PlanReading {
  /** One sentence for each environment file that was written. */
  readonly created: readonly string[]
}

/**
 * Writes the environment files with `create` that are missing, and reads the plan with what is in them then. If the file has
 * mistakes nothing is written. `env` holds the variables of this process. Never throws for what the file says.
 */
export async function readPlanToRun(file: string, env: Readonly<Record<string, string>>): Promise<PlanToRun> {
  const created: string[] = []
  const tried = new Set<string>()
  for (;;) {
    const reading = readPlan(file, env)
    const [next] = reading.filesToCreate
    if (!reading.plan || !next) return { ...reading, created }
    // One at a time: what the first holds may decide how the next is called.
    const problem = tried.has(next.path) ? unreachable(next) : await create(next, created)
    tried.add(next.path)
    if (problem) {
      const { plan: _, ...rest } = reading
      return { ...rest, diagnostics: [...reading.diagnostics, toDiagnostic(problem)], created }
    }
  }
}

async function create(file: FileToCreate, created: string[]): Promise<Problem | undefined> {
  const { path, name, at, variables } = file
  try {
    const content = introduction + writeVariables(completed(variables, randomText))
    const isOurs = await createFileAtomic(path, content, 0o600)
    // What is to be kept has to be found: where variables say the path, as it was written it names no file.
    const where = name.includes('${') ? `\`${path}\`` : name
    if (isOurs) created.push(`created environment file ${where} with ${Object.keys(variables).join(', ') || 'nothing'}`)
    return undefined
  } catch (error) {
    const message = `environment file ${name} cannot be created: ${codeOf(error)}`
    return {
      code: 'missing-file',
      at,
      message,
      hint: 'let Gatehouse write to its folder, or put the file there yourself',
    }
  }
}

// For whoever opens it one day and wonders whether it may go.
const introduction = `# Gatehouse wrote this file because it was missing, and never writes to it again.
# Keep it: what was generated stands nowhere else. Lines may be changed and added.
`

/** Somebody else's file appears and goes, or a link leads nowhere. */
function unreachable({ name, at }: FileToCreate): Problem {
  const message = `environment file ${name} cannot be created, because something is there, and cannot be read either`
  return { code: 'missing-file', at, message, hint: 'remove what is there: perhaps a link to a file that is gone' }
}

// Letters and digits need no quotes in files, URLs, shells and YAML.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function randomText(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
