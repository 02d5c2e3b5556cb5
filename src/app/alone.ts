import type { Closable } from '../core/lifecycle.ts'
import type { StoreName } from '../engines/engine.ts'
import { type Base, type FanfoldOptions, openBase } from './base.ts'
import { type Prune, startHousekeeping } from './housekeeping.ts'

/** A model opened without the others. */
export type Alone<Model> = Model & Closable & AsyncDisposable

/** Opens the engines of one model, the model, and its background work unless `workers: false`. */
export async function openAlone<Model extends object>(
  options: FanfoldOptions,
  stores: readonly StoreName[],
  open: (base: Base) => Promise<{ model: Model; prunes?: readonly Prune[]; startWorkers(): void }>,
): Promise<Alone<Model>> {
  const base = await openBase(options, stores)
  const close = () => base.lifecycle.close()
  try {
    const { model, prunes, startWorkers } = await open(base)
    if (base.workers) {
      startWorkers()
      base.lifecycle.own('housekeeping', startHousekeeping(base, prunes))
    }
    return { ...model, close, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}
