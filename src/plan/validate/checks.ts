import type { Check } from '../asked.ts'
import { accounts } from './accounts.ts'
import { acmePrivateNames, acmeWildcards } from './acme.ts'
import { addresses } from './addresses.ts'
import { argumentSize } from './argument-size.ts'
import { backups } from './backups.ts'
import { certificateValidity } from './certificate-validity.ts'
import { challengesBehindClientCertificates, clientCertificateHeaders } from './client-certificates.ts'
import { completedServices, dependencies, dependencyCycles } from './dependencies.ts'
import { certificateFiles, clientAuthorityFiles, servedFiles, upstreamFiles } from './files.ts'
import { headers } from './headers.ts'
import { hookProcesses } from './hooks.ts'
import { inheritedVariables } from './inherited.ts'
import { keptHeaders } from './kept-headers.ts'
import { logFiles } from './log-files.ts'
import { memory } from './memory.ts'
import { passiveHealth } from './passive-health.ts'
import { patterns } from './patterns.ts'
import { aliveTasks } from './probes.ts'
import { processPorts } from './process-ports.ts'
import { programs } from './programs.ts'
import { proxyProtocol } from './proxy-protocol.ts'
import { redirects } from './redirects.ts'
import { rolling } from './rolling.ts'
import { routeListeners } from './route-listeners.ts'
import { routeTargets, upstreamNames } from './route-targets.ts'
import { schedules } from './schedules.ts'
import { shadowedRoutes } from './shadowed-routes.ts'
import { socketPath } from './socket-path.ts'
import { somethingToDo } from './something-to-do.ts'
import { stopBudget } from './stop-budget.ts'
import { certificatesForTls, optionsOfTls } from './tls.ts'
import { tools } from './tools.ts'
import { trust } from './trust.ts'
import { trustStores } from './trust-stores.ts'
import { upstreamTls } from './upstream-tls.ts'
import { routeUsers, userNames } from './users.ts'

/** Every check that needs more than one place of the file to be judged. Each runs, whatever the others find. */
export const checks: readonly Check[] = [
  somethingToDo,
  routeTargets,
  upstreamNames,
  routeListeners,
  routeUsers,
  userNames,
  dependencies,
  dependencyCycles,
  completedServices,
  schedules,
  backups,
  hookProcesses,
  addresses,
  processPorts,
  rolling,
  accounts,
  tools,
  inheritedVariables,
  aliveTasks,
  logFiles,
  memory,
  patterns,
  redirects,
  proxyProtocol,
  trust,
  headers,
  keptHeaders,
  clientCertificateHeaders,
  servedFiles,
  programs,
  argumentSize,
  upstreamFiles,
  upstreamTls,
  passiveHealth,
  clientAuthorityFiles,
  certificateFiles,
  certificateValidity,
  acmeWildcards,
  acmePrivateNames,
  challengesBehindClientCertificates,
  certificatesForTls,
  optionsOfTls,
  trustStores,
  shadowedRoutes,
  socketPath,
  stopBudget,
]
