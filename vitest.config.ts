import { globSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** Tests of these folders leave nothing behind in their process: one serves many files. */
const tidy = ['cli', 'config', 'control', 'gateway', 'import', 'plan', 'shared', 'telemetry']

/** Except for these, which measure the memory of their process, or need its timers for themselves. */
const alone = [
  'test/control/server.test.ts',
  'test/gateway/file-streaming.test.ts',
  'test/gateway/generation-memory.test.ts',
  'test/gateway/many-routes.test.ts',
  'test/gateway/proxy/passive-health.test.ts',
  'test/gateway/released-buffers.test.ts',
  'test/shared/sleep.test.ts',
  'test/shared/timer.test.ts',
  'test/telemetry/log-files/bad-disks.test.ts',
]

const together = globSync(`test/{${tidy}}/**/*.test.ts`).filter((file) => !alone.includes(file))

/** See scripts/test.ts. */
const tiers = ['load', 'reference', 'full']
const ofTiers = tiers.map((name) => `test/${name}/**`)

export default defineConfig({
  test: {
    // Real processes and sockets. Many wait for deadlines, so that five at a time are needed to keep two cores busy.
    pool: 'forks',
    maxWorkers: 5,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A shared machine may stop us for a second in the middle of anything. A test that passes only at its second try is told of.
    retry: process.env.CI ? 1 : 0,
    projects: [
      { extends: true, test: { name: 'together', include: together, isolate: false } },
      { extends: true, test: { name: 'alone', include: ['test/**/*.test.ts'], exclude: [...together, ...ofTiers] } },
      ...tiers.map((name) => ({ extends: true as const, test: { name, include: [`test/${name}/**/*.test.ts`] } })),
    ],
  },
})
