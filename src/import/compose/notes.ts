/** Keys of a service without a translation, and what to report for them. */

import type { Report } from '../reports.ts'
import type { Fields } from './fields.ts'

const container = 'belongs to the container: set it on the one that Gatehouse runs in'
const paths =
  'there are no mounts between programs of one container: paths are those of the container that Gatehouse runs in'

const untranslatedKeys: readonly (readonly [
  keys: readonly string[],
  severity: 'untranslated' | 'note',
  message: string,
])[] = [
  [
    ['container_name', 'build', 'pull_policy', 'platform', 'annotations', 'develop', 'attach', 'links'],
    'note',
    'not needed',
  ],
  [['init'], 'note', 'not needed for each: the image has `tini`'],
  [['logging'], 'note', 'belongs to the container: all programs are on its stdout'],
  [['volumes', 'volumes_from', 'tmpfs', 'configs', 'secrets'], 'untranslated', paths],
  [
    [
      'networks',
      'network_mode',
      'dns',
      'dns_search',
      'dns_opt',
      'extra_hosts',
      'external_links',
      'mac_address',
      'domainname',
      'hostname',
    ],
    'untranslated',
    `${container}; programs in one container reach each other at 127.0.0.1`,
  ],
  [
    [
      'privileged',
      'cap_add',
      'cap_drop',
      'security_opt',
      'devices',
      'device_cgroup_rules',
      'group_add',
      'gpus',
      'sysctls',
      'ipc',
      'pid',
      'uts',
      'cgroup',
      'cgroup_parent',
      'userns_mode',
      'isolation',
      'runtime',
      'read_only',
      'shm_size',
      'storage_opt',
      'credential_spec',
    ],
    'untranslated',
    container,
  ],
  [
    [
      'cpus',
      'cpu_count',
      'cpu_percent',
      'cpu_shares',
      'cpu_period',
      'cpu_quota',
      'cpu_rt_runtime',
      'cpu_rt_period',
      'cpuset',
      'blkio_config',
      'pids_limit',
      'mem_reservation',
      'mem_swappiness',
      'memswap_limit',
    ],
    'untranslated',
    'there are no cgroups for single programs; `nice` and `limits` come nearest',
  ],
  [
    ['oom_score_adj', 'oom_kill_disable'],
    'untranslated',
    'set `criticality`: it decides which processes the kernel spares',
  ],
  [['scale'], 'untranslated', 'each process runs once: give copies their own names and list them in an `upstream`'],
  [['extends'], 'untranslated', 'write out what `docker compose config` prints, and import that'],
  [
    ['post_start', 'pre_stop'],
    'untranslated',
    'call it with `hooks: [{ on: ready, run: [...] }]`; nothing is called before a stop',
  ],
  [['tty', 'stdin_open'], 'untranslated', 'programs have no terminal and no input'],
  [['label_file'], 'untranslated', 'labels of a proxy become routes: write them under `gateway.routes`'],
]

export function reportUnread(service: Fields, report: Report): void {
  for (const { key, at } of service.unread()) {
    if (key.startsWith('x-')) continue
    const [, severity, message] = untranslatedKeys.find(([keys]) => keys.includes(key)) ?? []
    if (severity && message) report(at, severity, `\`${key}\`: ${message}`)
    else report(at, 'untranslated', `\`${key}\` is not known`)
  }
}
