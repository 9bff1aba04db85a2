/**
 * `import()` of a file on disk. The bundle in the single executable runs from a code cache, where `import()` does not
 * work: the script that starts it passes its own (scripts/build/cached-script.ts).
 */
declare const importFromDisk: ((url: string) => Promise<object>) | undefined

/** Resolves with the module's namespace. `url` is a `file:` URL. */
export function importFile(url: string): Promise<object> {
  return typeof importFromDisk === 'undefined' ? import(url) : importFromDisk(url)
}
