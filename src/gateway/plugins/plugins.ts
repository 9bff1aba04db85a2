/** The plugins of one thread, over all its generations. */
import type { FastifyPluginAsync } from 'fastify'
import type { PluginPlan, RoutePlan } from '../../plan/model/routes.ts'
import { GatehouseError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { TargetStates } from '../../shared/target-states.ts'
import type { Milliseconds } from '../../shared/time/duration.ts'
import { sleep as pause } from '../../shared/time/timer.ts'
import { sendError } from '../response/respond.ts'
import { createPluginApp, type PluginApp } from './app.ts'
import { describeFault } from './fault.ts'
import { PluginModules } from './modules.ts'

/** For the `onClose` hooks of plugins when the thread ends. */
const closePatience: Milliseconds = 2_000

/** The plugins of one generation. */
export interface PluginSet {
  /** The app of the route with this index. */
  of(routeIndex: number): PluginApp
  /** To be called after its last answer. */
  close(): void
}

export class Plugins {
  readonly #log: Log
  readonly #targets: () => TargetStates
  readonly #modules = new PluginModules()
  readonly #open = new Set<PluginApp>()
  readonly #closing = new Set<Promise<void>>()

  constructor(log: Log, targets: () => TargetStates) {
    this.#log = log
    this.#targets = targets
  }

  /**
   * Builds an app for each route with a plugin. Rejects with a GatehouseError that names the place in the config file,
   * and that in the plugin if it is known; those already built are closed then. With `restoring`, what has failed is
   * logged instead, and its routes answer 503.
   */
  async open(routes: readonly RoutePlan[], restoring: boolean): Promise<PluginSet> {
    const apps = new Map<number, PluginApp>()
    const close = () => {
      for (const app of apps.values()) this.#close(app)
    }
    for (const [index, { handler }] of routes.entries()) {
      if (handler.kind !== 'plugin') continue
      try {
        apps.set(index, await this.#build(handler, restoring))
      } catch (error) {
        const { file, line, column } = handler.position
        const message = `${file}:${line}:${column}: plugin ${handler.name} cannot be loaded: ${describeFault(error)}`
        if (restoring) {
          this.#log.error(`${message}; its routes answer 503 until a reload`)
          apps.set(index, unavailable)
          continue
        }
        close()
        throw new GatehouseError('gateway-failed', message, { cause: error })
      }
    }
    return { of: (index) => apps.get(index) as PluginApp, close }
  }

  /** Closes all that are open; resolves when their hooks have run, or after 2 s. */
  async close(): Promise<void> {
    for (const app of this.#open) this.#close(app)
    if (this.#closing.size === 0) return
    const closed = Promise.all(this.#closing).then(() => true)
    const late = pause(closePatience, undefined, { ref: false }).then(() => false)
    if (!(await Promise.race([closed, late])))
      this.#log.warn(`plugins have not closed within ${closePatience / 1_000} s: see their \`onClose\` hooks`)
  }

  async #build(plan: PluginPlan, restoring: boolean): Promise<PluginApp> {
    const plugin = pluginIn(await this.#modules.load(plan.file, restoring))
    const app = await createPluginApp(plan, plugin, { log: this.#log, targets: this.#targets })
    this.#open.add(app)
    return app
  }

  #close(app: PluginApp): void {
    if (!this.#open.delete(app)) return
    const closing = app.close().finally(() => this.#closing.delete(closing))
    this.#closing.add(closing)
  }
}

const unavailable: PluginApp = {
  answer: (exchange) => sendError(exchange, 503, 'the plugin cannot be loaded'),
  close: async () => {},
}

/** The default export; compiled modules have it in that of CommonJS. */
function pluginIn(exports: object): FastifyPluginAsync {
  const { default: exported } = exports as { readonly default?: unknown }
  const inner = (exported as { readonly default?: unknown } | null | undefined)?.default
  const plugin = typeof exported === 'function' ? exported : inner
  if (typeof plugin === 'function') return plugin as FastifyPluginAsync
  throw new GatehouseError(
    'gateway-failed',
    'its default export is no function: write `export default async function (app, options) { ... }`',
  )
}
