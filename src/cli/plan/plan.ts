import { readReloadPreview } from '../../control/client/reload.ts'
import { startWaves } from '../../plan/graph/graph.ts'
import type { TrustStorePlan } from '../../plan/model/certificates.ts'
import { storeAddress } from '../../plan/model/guards.ts'
import { chosenLater, portPlaceholder } from '../../plan/model/own-port.ts'
import type {
  CertificatePlan,
  GatewayPlan,
  HandlerPlan,
  OriginProxyPlan,
  Plan,
  ProbeCheck,
  ProcessPlan,
} from '../../plan/model/plan.ts'
import { exitCodes } from '../../shared/exit-codes.ts'
import { oneLine } from '../../shared/one-line.ts'
import { formatDuration } from '../../shared/time/duration.ts'
import { configFile, readAndReport } from '../config-file.ts'
import { type SocketOptions, socketOf, takesSocket } from '../control-socket.ts'
import type { Terminal, Verb } from '../verb.ts'
import { commandWords, guardWords, listenerWords } from './plan-words.ts'

export const planVerb: Verb = (program, terminal, end) => {
  takesSocket(program.command('plan'))
    .description('show what would start, in which order, and where each route leads; starts nothing')
    .option(
      '--diff',
      'ask the running gatehouse what a reload of its file would change: which processes restart, and why',
    )
    .action(async (argument: string | undefined, options: SocketOptions & { diff?: true }) => {
      if (options.diff) return end(await showDifference(await socketOf(argument, options), terminal))
      const { plan } = readAndReport(configFile(argument, options.config), terminal)
      if (plan) terminal.out(describePlan(plan))
      end(plan ? exitCodes.ok : exitCodes.configInvalid)
    })
}

/** Resolves with the exit code. */
async function showDifference(socket: string, terminal: Terminal): Promise<number> {
  const preview = await readReloadPreview(socket)
  if ('refused' in preview) {
    terminal.err(`gatehouse: ${oneLine(preview.message)}\n`)
    return exitCodes.configInvalid
  }
  const { processes, live, nextStart } = preview
  const lines = [
    ...processes.map(({ process, words }) => `${process}: ${oneLine(words)}`),
    ...live.map((section) => `${section}: changes without a restart`),
    ...nextStart.map((section) => `${section}: takes effect at the next start of gatehouse`),
  ]
  terminal.out(`${lines.length > 0 ? lines.join('\n') : 'a reload would change nothing'}\n`)
  return exitCodes.ok
}

/**
 * The plan as text. Environments are never shown, and commands as they are written in the file: both may contain
 * secrets.
 */
export function describePlan(plan: Plan): string {
  const sections = [
    section(
      'listeners',
      plan.gateway.listeners.map(({ name, host, port, tls }) => [
        name,
        `${host ?? '*'}:${port}`,
        tls ? 'TLS' : 'plain',
      ]),
    ),
    section(
      'certificates',
      plan.certificates.map((certificate) => [certificate.domains.join(', '), sourcesOf(certificate)]),
    ),
    section(
      'trust stores',
      plan.trustStores.map((store) => [store.name, store.file, trustedBy(store)]),
    ),
    section(
      'routes (the first that matches wins)',
      plan.gateway.routes.map(({ label, match, handler, guards, position }, index) => {
        const guarded = guardWords(guards, plan.gateway.guards)
        return [`${index + 1}.`, label, destination(handler), `line ${position.line}`, listenerWords(match), guarded]
      }),
    ),
    section('rate limits', storeRow(plan.gateway)),
    section('processes (in start order)', processRows(plan.processes)),
  ]
  return sections.filter((text) => text !== '').join('\n')
}

function storeRow({ rateLimitStore: store }: GatewayPlan): readonly (readonly string[])[] {
  if (!store) return []
  const { tls, database } = store
  return [['counted by Redis at', storeAddress(store), `database ${database}`, tls ? 'TLS' : 'plain']]
}

function processRows(processes: readonly ProcessPlan[]): readonly (readonly string[])[] {
  const byName = new Map(processes.map((process) => [process.name, process]))
  const nodes = processes.map(({ name, dependsOn }) => ({
    name,
    needs: dependsOn.map((dependency) => dependency.process),
  }))
  return startWaves(nodes).flatMap((names, index) => {
    const wave = names.flatMap((name) => byName.get(name) ?? [])
    return wave.map((process) => [
      `wave ${index + 1}`,
      process.name,
      process.written?.command ?? commandWords(process.command),
      conditions(process),
    ])
  })
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  )
  return `${title}\n${lines.join('\n')}\n`
}

function sourcesOf({ use }: CertificatePlan): string {
  return use.map((source) => (source.kind === 'files' ? `files ${source.certificate}` : 'internal CA')).join(', else ')
}

function trustedBy({ certificates, system, internal }: TrustStorePlan): string {
  return [
    ...(certificates === undefined ? [] : [certificates]),
    ...(internal ? ['internal CA'] : []),
    ...(system ? ['system'] : []),
  ].join(', ')
}

function destination(handler: HandlerPlan): string {
  switch (handler.kind) {
    case 'proxy':
      return 'origin' in handler ? originOf(handler) : `upstream ${handler.upstream}`
    case 'files':
      return handler.fallback === undefined ? handler.root : `${handler.root}, else ${handler.fallback}`
    case 'file':
      return handler.path
    case 'plugin':
      return `plugin ${handler.file}`
    case 'respond':
      return String(handler.status)
    case 'redirect':
      return `${handler.status} ${handler.to}`
  }
}

function originOf({ origin, process = '' }: OriginProxyPlan): string {
  return origin.includes(portPlaceholder) ? `${process}, on its automatic port` : origin
}

function conditions(plan: ProcessPlan): string {
  const { kind, schedule, backup, port, dependsOn, startup, ready, alive, restart, essential, criticality } = plan
  const after = dependsOn.map(({ process, condition }) => `${process} ${condition}`)
  const parts = [
    ...(kind === 'task' ? ['task'] : []),
    ...(schedule ? [`at ${schedule.cron}${schedule.timezone === undefined ? '' : ` in ${schedule.timezone}`}`] : []),
    ...(backup?.overdue === undefined ? [] : [`a backup at least every ${formatDuration(backup.overdue)}`]),
    ...(essential ? [essentialWords(plan)] : []),
    ...(port === chosenLater ? ['port: auto'] : []),
    ...(restart.rolling ? [`replaced while it serves, drained within ${formatDuration(restart.rolling.drain)}`] : []),
    ...(criticality === 'important' ? [] : [criticality]),
    ...(after.length > 0 ? [`after ${after.join(', ')}`] : []),
    ...(startup ? [`started up by ${probeOf(startup)} within ${formatDuration(startup.deadline)}`] : []),
    ...(ready ? [`ready by ${probeOf(ready)} within ${formatDuration(ready.deadline)}`] : []),
    ...(alive ? [`alive by ${probeOf(alive)} every ${formatDuration(alive.every)}`] : []),
  ]
  return parts.join('; ')
}

/** With the consequence of a clean exit, if that ends it. */
function essentialWords({ kind, restart }: ProcessPlan): string {
  const mayEnd = kind === 'service' && restart.policy !== 'always'
  return mayEnd ? 'essential: if it exits with 0, gatehouse stops with exit code 0' : 'essential'
}

function portOf({ port }: { readonly port: number }): string {
  return port === chosenLater ? portPlaceholder : String(port)
}

function probeOf(probe: ProbeCheck): string {
  switch (probe.kind) {
    case 'http':
      return probe.written ?? probe.url
    case 'tcp':
      return `tcp ${probe.host}:${portOf(probe)}`
    case 'exec':
      return `running ${probe.written ?? probe.command[0]}`
    case 'grpc':
      return `gRPC health on port ${portOf(probe)}`
    case 'fd':
      return `a newline on descriptor ${probe.descriptor}`
    case 'log':
      return `a line matching /${probe.written ?? probe.pattern}/`
  }
}
