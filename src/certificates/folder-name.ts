/** A domain as a folder name: never hidden, never outside of the parent, with nothing that a shell expands. */
export function folderName(domain: string): string {
  return domain
    .replace(/^\*\./, 'wildcard.')
    .replaceAll(/[^a-z0-9.-]/g, '_')
    .replace(/^\./, '_')
}
