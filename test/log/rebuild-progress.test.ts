import { expect, it } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { foldAll } from '../../src/log/fold.ts'
import { rebuild } from '../../src/log/projector.ts'
import { sqlEngines } from '../setup/sql.ts'
import { appendProof, createProofLog, openProofStore, proofProjection } from './proof-log.ts'

it.each(sqlEngines())('a rebuild tells how far it is, and can be ended and gone on with, on $name', async (engine) => {
  const database = await engine.create()
  try {
    await createProofLog(database.sql)
    const store = await openProofStore(database.sql)
    const context = { store, logger: silentLogger, batchEvents: 10 }
    const projection = proofProjection()
    await store.register(projection)
    const streams = Array.from({ length: 45 }, (_, n) => ({ streamId: `s${n}`, payload: {} }))
    await appendProof(database.sql, 0, streams)
    await foldAll(context, projection)

    const told: number[] = []
    const ended = rebuild(context, projection, (folded) => {
      told.push(folded)
      if (folded >= 20) throw new Error('enough')
    })
    await expect(ended).rejects.toThrow('enough')
    expect(told).toEqual([10, 20])
    expect(await store.projection('proof')).toMatchObject({ liveGeneration: 1, buildingGeneration: 2 })

    expect(await rebuild(context, projection, (folded) => told.push(folded))).toEqual({ generation: 2, folded: 25 })
    expect(told.slice(2, 5)).toEqual([10, 20, 25])
    expect(await store.projection('proof')).toMatchObject({ liveGeneration: 2, buildingGeneration: undefined })
  } finally {
    await database.drop()
  }
})
