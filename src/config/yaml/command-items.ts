import { deepest, type Located } from './located.ts'

/** What is written in an item of a command: the word itself, or what its mapping has for `words` or `word`. */
export function textOfItem(item: Located): Located {
  const keys = ['words', 'word'].map((key) => deepest(item, [key]))
  return keys.find(({ steps }) => steps === 1)?.node ?? item
}
