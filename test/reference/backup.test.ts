/** What config/appsmith.yaml keeps of the deployment's data, and when. That it can be restored: restore.test.ts. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readPlan } from '../../src/plan/read-plan.ts'
import { runGatehouse } from '../e2e/support/gatehouse.ts'
import { configFile, databasesElsewhere, startSingleContainer } from './single-container.ts'
import { testSite, type Variables } from './site.ts'

const hour = 3_600_000

describe('the backups of config/appsmith.yaml', () => {
  const site = testSite({ start: startSingleContainer })

  /** The tasks that make backups, by name. */
  function tasks(env: Variables = {}) {
    const { folder } = site
    const programs = { GATEHOUSE_BACKEND: folder, GATEHOUSE_RTS: folder }
    const { plan, diagnostics } = readPlan(configFile, { ...site.environment(), ...programs, ...env })
    // Which programs there are is a matter of the image.
    const said = diagnostics.filter(({ severity, code }) => severity !== 'note' && code !== 'program-unusable')
    expect(said).toEqual([])
    return new Map(plan?.processes.filter(({ backup }) => backup).map((process) => [process.name, process]))
  }

  it('are made every night: of MongoDB and Git, of secrets and certificates, of PostgreSQL', () => {
    const made = tasks({ GATEHOUSE_STACKS: site.folder })
    const folder = `${site.folder}/data/backup`
    expect([...made.keys()].sort()).toEqual(['backup', 'backup-configuration', 'backup-keycloak', 'backup-temporal'])
    for (const { schedule, backup } of made.values()) {
      expect(schedule).toEqual({ cron: '0 3 * * *' })
      expect(backup).toMatchObject({ folder, overdue: 26 * hour })
    }
    // The product's tool names its files itself, and clears them up.
    expect(made.get('backup')?.backup).toMatchObject({ prefix: 'appsmith-backup-', named: false })
    expect(made.get('backup')?.backup?.keep).toBeUndefined()
    expect(made.get('backup-keycloak')?.backup).toMatchObject({ prefix: 'keycloak-', named: true, keep: 4 })
    expect(made.get('backup-configuration')?.backup).toMatchObject({ named: true, keep: 30 })
  })

  it('are made when the deployment’s own variable says, and as many are kept as the other one says', () => {
    const weekly = tasks({ APPSMITH_BACKUP_CRON_EXPRESSION: '0 12 * * SUN', APPSMITH_BACKUP_ARCHIVE_LIMIT: '9' })
    expect(weekly.get('backup-temporal')).toMatchObject({
      schedule: { cron: '0 12 * * SUN' },
      backup: { keep: 9, overdue: 7 * 26 * hour },
    })
    expect(tasks({ APPSMITH_BACKUP_CRON_EXPRESSION: 'disable' }).size).toBe(0)
  })

  it('leave out databases that are elsewhere, and may be put elsewhere but for the product’s own', () => {
    const made = tasks({ ...databasesElsewhere, GATEHOUSE_STACKS: site.folder, GATEHOUSE_BACKUPS: '/mnt/backups' })
    expect(Object.fromEntries([...made].map(([name, { backup }]) => [name, backup?.folder]))).toEqual({
      'backup-configuration': '/mnt/backups',
      backup: `${site.folder}/data/backup`,
    })
  })

  it('need nothing but the databases: a backend that is down is a time at which one wants them', () => {
    for (const { dependsOn } of tasks().values()) {
      const needed = dependsOn.map(({ process }) => process)
      expect(['folders', 'mongodb', 'mongodb-setup', 'postgres', 'postgres-setup']).toEqual(
        expect.arrayContaining(needed),
      )
    }
  })

  it('are tried again when the product’s tool fails, and meanwhile turn health to a warning', async () => {
    const socket = join(site.folder, 'control.sock')
    const env = { ...databasesElsewhere, APPSMITHCTL_BROKEN: 'no space left', GATEHOUSE_SOCKET: socket }
    const { gatehouse } = await site.start(env)
    await gatehouse.ready()
    await gatehouse.waitFor({ process: 'backup', message: /^exited with code 1 after .*; restarting in / })
    const health = await runGatehouse(['healthcheck', '--socket', socket])
    expect(health).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^healthy \(warning: the last run of backup failed: exited with code 1 after \S+\)\n$/,
      ),
    })
  })
})
