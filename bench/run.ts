/** `npm run bench [-- SECONDS [ROUNDS]]` compares with peers, `npm run bench -- --guard [COMMIT]` with a commit. */
const [first, commit] = process.argv.slice(2)
if (first === '--guard') {
  const { guard } = await import('./guard/guard.ts')
  process.exitCode = (await guard(commit)) ? 0 : 1
} else await import('./comparison.ts')

export {}
