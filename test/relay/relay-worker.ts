import { createFanfold } from '../../src/app/fanfold.ts'

/** Relays, with all other background work, until killed. */
export async function main(database: string, events: string): Promise<void> {
  await createFanfold({ database, events, migrate: false, poolSize: 4 })
  await new Promise(() => undefined)
}
