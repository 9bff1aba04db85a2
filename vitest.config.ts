import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes and sockets: a file runs alone in a process of its own, and two at a time fit two cores.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A shared machine may stop us for a second in the middle of anything. A test that passes only at its second try is told of.
    retry: process.env.CI ? 1 : 0,
  },
})
