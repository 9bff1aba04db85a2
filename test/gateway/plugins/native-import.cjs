// Vitest replaces `import()` in the sources by its own; CommonJS that Node loads itself keeps Node's.
module.exports = (url) => import(url)
