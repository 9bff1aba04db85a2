/** What YAML reads as one word, although a key and its value, or a mark and a key, were meant. */

/** `path:/api` and `path = /api`, if the place allows the key. */
export function unsplitHint(written: string, allowed: readonly string[]): string | undefined {
  const [, key, separator = '', value] = /^([\w-]+)(:|\s*=\s*)((?!\/\/)\S.*)$/s.exec(written) ?? []
  if (key === undefined || value === undefined || !allowed.includes(key)) return undefined
  const why = separator === ':' ? 'a space is missing after' : 'YAML wants a colon and a space after'
  return `${why} \`${key}${separator === ':' ? ':' : ''}\`: write \`${key}: ${value}\``
}

/** The key that was meant. */
export function unsplitKey(written: string, allowed: readonly string[]): string | undefined {
  return allowed.find((one) => /^[\s:=]/.test(written.slice(one.length)) && written.startsWith(one))
}

/** A key that is invalid everywhere. */
export function malformedKeyHint(key: string, allowed: readonly string[]): string | undefined {
  if (/[^\S ]/.test(key)) return 'it contains whitespace that is not a plain space: write spaces'
  if (key === '<<') return 'merge keys are not supported: write these keys out; `*name` can only replace a whole value'
  if (key.startsWith('-') && allowed.includes(key.slice(1)))
    return `a space is missing after \`-\`: write \`- ${key.slice(1)}\``
  if (key.startsWith('x-') && allowed.includes('processes'))
    return 'remove it: put the anchor, `&name`, where its value is first used'
  if (key.startsWith('/') && allowed.includes('stripPrefix'))
    return `\`routes\` is a list, and a path is a key of its items: write \`- { path: ${key}, to: name }\``
  return unsplitHint(key, allowed)
}
