/** What YAML reads as one word, though a key and its value, or a mark and a key, were meant. */

/** `path:/api` and `path = /api`, of a key that may stand there. */
export function unsplitHint(written: string, allowed: readonly string[]): string | undefined {
  const [, key, separator = '', value] = /^([\w-]+)(:|\s*=\s*)((?!\/\/)\S.*)$/s.exec(written) ?? []
  if (key === undefined || value === undefined || !allowed.includes(key)) return undefined
  const why = separator === ':' ? 'a blank is missing behind' : 'YAML puts a colon and a blank behind'
  return `${why} \`${key}${separator === ':' ? ':' : ''}\`: write \`${key}: ${value}\``
}

/** The key that was meant. */
export function unsplitKey(written: string, allowed: readonly string[]): string | undefined {
  return allowed.find((one) => /^[\s:=]/.test(written.slice(one.length)) && written.startsWith(one))
}

/** A key that no place could have. */
export function malformedKeyHint(key: string, allowed: readonly string[]): string | undefined {
  if (/[^\S ]/.test(key)) return 'there is a blank in it that is no ordinary space: write spaces'
  if (key === '<<') return 'merging is not read here: write these keys out; `*name` may stand for a whole value'
  if (key.startsWith('-') && allowed.includes(key.slice(1)))
    return `a blank is missing behind \`-\`: write \`- ${key.slice(1)}\``
  if (key.startsWith('x-') && allowed.includes('processes'))
    return 'remove it: an anchor, `&name`, may stand where its value is first used'
  if (key.startsWith('/') && allowed.includes('stripPrefix'))
    return `a path is a value here, and \`routes\` a list: write \`- { path: ${key}, to: name }\``
  return unsplitHint(key, allowed)
}
