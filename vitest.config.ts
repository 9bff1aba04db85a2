import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes and sockets: a file runs alone in a process of its own. Many wait for deadlines, so that three at a time
    // are needed to keep two cores busy.
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A shared machine may stop us for a second in the middle of anything. A test that passes only at its second try is told of.
    retry: process.env.CI ? 1 : 0,
  },
})
