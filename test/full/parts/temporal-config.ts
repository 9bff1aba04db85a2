/** Temporal's own configuration, in the shape of the reference's: both schemas in the database `appsmith`. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * Temporal keeps the ports of its members as signed 16 bit numbers, so that those which the kernel gives out are too high:
 * of the ones below, eight that are free now, for each of four services one for gRPC and one for membership.
 */
export async function temporalPorts(): Promise<number[]> {
  const found: number[] = []
  for (let port = 20_000 + randomInt(8_000); found.length < 8; port += 1) if (await isFree(port)) found.push(port)
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** OutputListener on `ports` of `temporalPorts`, the frontend's gRPC on the first; PostgreSQL is at port `database`. */
export function temporalConfig(database: number, ports: readonly number[]): string {
  const store = (schema: string) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName: 'appsmith',
      connectAddr: `127.0.0.1:${database}`,
      connectProtocol: 'tcp',
      connectAttributes: { search_path: schema },
      user: 'temporal',
      maxConns: 10,
      maxIdleConns: 10,
    },
  })
  const service = (index: number) => ({
    rpc: { grpcPort: ports[2 * index], membershipPort: ports[2 * index + 1], bindOnLocalHost: true },
  })
  // JSON is YAML.
  return JSON.stringify({
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'main',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: { main: store('temporal'), visibility: store('temporal_visibility') },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: { frontend: service(0), matching: service(1), history: service(2), worker: service(3) },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `127.0.0.1:${ports[0]}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: 'config/dynamic.yaml', pollInterval: '60s' },
  })
}
