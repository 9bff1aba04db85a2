/**
 * A plan for a start or a reload: unlike that of `check` and `plan`, it contains the secrets that Gatehouse generates.
 */
import { randomInt } from 'node:crypto'
import { type Problem, toDiagnostic } from '../../config/diagnostics.ts'
import type { FileToCreate } from '../../config/environment/environment-files.ts'
import { generateVariables } from '../../config/environment/new-variables.ts'
import { writeVariables } from '../../config/environment/write-variables.ts'
import { type PlanReading, readPlan } from '../../plan/read-plan.ts'
import { codeOf } from '../../shared/errors.ts'
import { createFileAtomic } from '../../shared/files/atomic-file.ts'

export interface PlanToRun extends PlanReading {
  /** A sentence for each environment file that was written. */
  readonly created: readonly string[]
}

/**
 * Writes missing environment files with `create`, then reads the plan with their content. If the file has errors
 * nothing is written. `env`: the variables of this process. Never throws for mistakes in the file.
 */
export async function readPlanToRun(file: string, env: Readonly<Record<string, string>>): Promise<PlanToRun> {
  const created: string[] = []
  const tried = new Set<string>()
  for (;;) {
    const reading = readPlan(file, env)
    const [next] = reading.filesToCreate
    if (!reading.plan || !next) return { ...reading, created }
    // One at a time: the path of the next may depend on variables in this one.
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
    const content = introduction + writeVariables(generateVariables(variables, randomText))
    const isOurs = await createFileAtomic(path, content, 0o600)
    // The message must name a real file, which a path with variables does not.
    const where = name.includes('${') ? `\`${path}\`` : name
    if (isOurs) created.push(`created environment file ${where} with ${Object.keys(variables).join(', ') || 'nothing'}`)
    return undefined
  } catch (error) {
    const message = `environment file ${name} cannot be created: ${codeOf(error)}`
    return {
      code: 'missing-file',
      at,
      message,
      hint: 'make its folder writable for Gatehouse, or create the file yourself',
    }
  }
}

const introduction = `# Gatehouse wrote this file because it was missing, and never writes to it again.
# Keep it: the generated values are stored nowhere else. You may change and add lines.
`

/** Another program creates and removes the file all the time, or it is a dangling link. */
function unreachable({ name, at }: FileToCreate): Problem {
  const message = `environment file ${name} can neither be read nor created: something else is at its path`
  return { code: 'missing-file', at, message, hint: 'remove it; it may be a link to a file that no longer exists' }
}

// Letters and digits need no quotes in files, URLs, shells and YAML.
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

function randomText(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}
