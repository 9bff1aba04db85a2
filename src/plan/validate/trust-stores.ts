import { absolute, type Check, type PlanContext, valuePosition, writtenName } from '../resolve/plan-context.ts'

/** Of two that are written to one file, only the last would be there. */
export const trustStores: Check = (context, report) => {
  const names = new Map<string, string>()
  for (const [name, { file }] of Object.entries(context.config.trustStores)) {
    const other = names.get(absolute(context, file))
    names.set(absolute(context, file), other ?? name)
    if (other === undefined) continue
    report({
      code: 'contradiction',
      at: valuePosition(context, ['trustStores', name, 'file']),
      message: `the trust store \`${other}\` is written to ${fileOf(context, name)}, too`,
      hint: 'give each a file of its own, or let both programs read one',
    })
  }
}

function fileOf(context: PlanContext, name: string): string {
  return writtenName(context, ['trustStores', name, 'file'])
}
