import { AppError, messageOf } from '../../core/errors.ts'
import { type Closable, startLoop } from '../../core/lifecycle.ts'
import type { Logger } from '../../core/logger.ts'
import type { RoutingRule } from '../../core/routes.ts'
import type { Payments } from '../../payments/payments.ts'
import type { Processors } from '../../payments/processing/operations.ts'
import type { Processor } from '../../payments/processing/processor.ts'
import type { Sandbox } from '../../processors/sandbox/sandbox.ts'

/** Processors by name. Throws `invalid_config` for two of one name. */
export function namedProcessors(processors: readonly Processor[]): Processors {
  const byName = new Map<string, Processor>()
  for (const processor of processors) {
    if (byName.has(processor.name)) throw new AppError('invalid_config', `Two processors are named ${processor.name}`)
    byName.set(processor.name, processor)
  }
  return byName
}

/** Throws `invalid_config` when a route or the default names a processor that there is not. */
export function checkRoutes(routes: readonly RoutingRule[], defaultProcessor: string, processors: Processors): void {
  const named = [defaultProcessor, ...routes.flatMap((rule) => rule.processors)]
  const unknown = [...new Set(named)].filter((name) => !processors.has(name))
  if (unknown.length === 0) return
  const known = [...processors.keys()].join(', ')
  throw new AppError(
    'invalid_config',
    `FANFOLD_ROUTES or FANFOLD_PROCESSOR name ${unknown.join(', ')}; there are: ${known}`,
  )
}

/**
 * Sandboxes that nobody has asked for: whoever may create payments could have orders paid with play money. They stay for
 * what they have begun.
 */
export function closedSandboxes(names: readonly string[], routes: readonly RoutingRule[], defaultProcessor: string) {
  const asked = new Set([defaultProcessor, ...routes.flatMap((rule) => rule.processors)])
  return names.filter((name) => !asked.has(name))
}

const POLL_MS = 500

/** Has sandboxes do what they do of their own accord. Their webhooks come in by the door that all webhooks take. */
export function startSandboxes(
  sandboxes: readonly Sandbox[],
  payments: Pick<Payments, 'receiveWebhook'>,
  logger: Logger,
): Closable {
  async function deliver(sandbox: Sandbox): Promise<number> {
    try {
      return await sandbox.deliverDue(({ headers, body }) =>
        payments.receiveWebhook(sandbox.name, { headers, body: Buffer.from(body) }),
      )
    } catch (error) {
      logger.error({ err: error, processor: sandbox.name }, `${sandbox.name}: ${messageOf(error)}`)
      return 0
    }
  }
  return startLoop({
    name: 'sandbox',
    logger,
    async step() {
      const done = await Promise.all(sandboxes.map(deliver))
      return done.some((deeds) => deeds > 0) ? 0 : POLL_MS
    },
  })
}
