/** A domain as the name of a folder: never hidden, never a way out of the parent, nothing that a shell would expand. */
export function folderName(domain: string): string {
  return domain
    .replace(/^\*\./, 'wildcard.')
    .replaceAll(/[^a-z0-9.-]/g, '_')
    .replace(/^\./, '_')
}
