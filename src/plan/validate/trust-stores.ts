import { type Asked, absolute, type Check, named, valueAt } from '../resolve/plan-context.ts'

/** Of two that are written to one file, only the last would be there. */
export const trustStores: Check = (asked, report) => {
  const names = new Map<string, string>()
  for (const [name, { file }] of Object.entries(asked.config.trustStores)) {
    const other = names.get(absolute(asked, file))
    names.set(absolute(asked, file), other ?? name)
    if (other === undefined) continue
    report({
      code: 'contradiction',
      at: valueAt(asked, ['trustStores', name, 'file']),
      message: `the trust store \`${other}\` is written to ${fileOf(asked, name)}, too`,
      mend: 'give each a file of its own, or let both programs read one',
    })
  }
}

function fileOf(asked: Asked, name: string): string {
  return named(asked, ['trustStores', name, 'file'])
}
