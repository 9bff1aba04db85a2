import type { Check } from '../resolve/plan-context.ts'
import { acmePrivateNames, acmeWildcards } from './acme.ts'
import { certificateValidity } from './certificate-validity.ts'
import { certificateFiles, clientAuthorityFiles, servedFiles, upstreamFiles } from './files.ts'
import { hookProcesses } from './hooks.ts'
import { addresses } from './listeners/addresses.ts'
import { challengesBehindClientCertificates, clientCertificateHeaders } from './listeners/client-certificates.ts'
import { proxyProtocol } from './listeners/proxy-protocol.ts'
import { certificatesForTls, optionsOfTls } from './listeners/tls.ts'
import { trust } from './listeners/trust.ts'
import { accounts } from './processes/accounts.ts'
import { argumentSize } from './processes/argument-size.ts'
import { backups } from './processes/backups.ts'
import { completedServices, dependencies, dependencyCycles } from './processes/dependencies.ts'
import { inheritedVariables } from './processes/inherited.ts'
import { logFiles } from './processes/log-files.ts'
import { memory } from './processes/memory.ts'
import { aliveTasks } from './processes/probes.ts'
import { processPorts } from './processes/process-ports.ts'
import { programs } from './processes/programs.ts'
import { rolling } from './processes/rolling.ts'
import { schedules } from './processes/schedules.ts'
import { stopBudget } from './processes/stop-budget.ts'
import { tools } from './processes/tools.ts'
import { headers } from './routes/headers.ts'
import { keptHeaders } from './routes/kept-headers.ts'
import { passiveHealth } from './routes/passive-health.ts'
import { patterns } from './routes/patterns.ts'
import { plugins } from './routes/plugins.ts'
import { redirects } from './routes/redirects.ts'
import { routeListeners } from './routes/route-listeners.ts'
import { routeTargets, upstreamNames } from './routes/route-targets.ts'
import { shadowedRoutes } from './routes/shadowed-routes.ts'
import { upstreamTls } from './routes/upstream-tls.ts'
import { routeUsers, userNames } from './routes/users.ts'
import { socketPath } from './socket-path.ts'
import { somethingToDo } from './something-to-do.ts'
import { trustStores } from './trust-stores.ts'

/** All checks that look at more than one place of the file. Each runs, whatever the others find. */
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
  plugins,
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
