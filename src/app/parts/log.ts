import type { LogStore, Projection } from '../../log/port.ts'
import { type Projector, rebuild, startProjector } from '../../log/projector.ts'
import type { Base } from '../base.ts'

/** The log of a model with its read models. */
export interface LogPart {
  readonly log: LogStore<unknown>
  readonly projections: readonly Projection<unknown>[]
  startProjectors(): void
  /** A hint to the projectors of this process that something was appended. */
  wake(): void
  /** Rebuilds one read model beside the live one; answers the number of events folded. */
  rebuild(projection: Projection<unknown>, onProgress: (folded: number) => void): Promise<number>
  /** Events that the generation being built has folded, and all there are; `undefined` when none is being built. */
  rebuilt(projection: Projection<unknown>): Promise<{ readonly done: number; readonly total: number } | undefined>
}

/** Registers the projections, so that they are known before their first event. */
export async function openLogPart(
  base: Base,
  log: LogStore<unknown>,
  projections: readonly Projection<unknown>[],
  { everyMs }: { readonly everyMs?: number | undefined } = {},
): Promise<LogPart> {
  for (const projection of projections) await log.register(projection)
  const running: Projector[] = []
  const { logger, metrics } = base
  return {
    log,
    projections,
    startProjectors() {
      for (const projection of projections) {
        running.push(
          base.lifecycle.own(
            `projector ${projection.name}`,
            startProjector({ store: log, projection, logger, metrics, everyMs }),
          ),
        )
      }
    },
    wake() {
      for (const projector of running) projector.wake()
    },
    async rebuilt({ name }) {
      const { buildingGeneration } = await log.projection(name)
      if (buildingGeneration === undefined) return undefined
      const done = (await log.checkpoints(name, buildingGeneration)).map(({ lastEventId }) => lastEventId)
      const sum = (ids: readonly bigint[]) => Number(ids.reduce((total, id) => total + id, 0n))
      return { done: sum(done), total: sum(await log.heads()) }
    },
    async rebuild(projection, onProgress) {
      return (await rebuild({ store: log, logger }, projection, onProgress)).folded
    },
  }
}
