import { absolute, type Check, type PlanContext, valuePosition, writtenName } from '../resolve/plan-context.ts'

/** Of two that are written to one file, only the last would remain. */
export const trustStores: Check = (context, report) => {
  const names = new Map<string, string>()
  for (const [name, { file }] of Object.entries(context.config.trustStores)) {
    const other = names.get(absolute(context, file))
    names.set(absolute(context, file), other ?? name)
    if (other === undefined) continue
    report({
      code: 'contradiction',
      at: valuePosition(context, ['trustStores', name, 'file']),
      message: `trust store \`${other}\` is also written to ${fileOf(context, name)}`,
      hint: 'give each its own file, or let both programs share one',
    })
  }
}

function fileOf(context: PlanContext, name: string): string {
  return writtenName(context, ['trustStores', name, 'file'])
}
