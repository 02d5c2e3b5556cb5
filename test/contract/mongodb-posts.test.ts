import { randomBytes } from 'node:crypto'
import { type CommandStartedEvent, type Document, MongoClient } from 'mongodb'
import { describe, expect, it } from 'vitest'
import { openPostStore } from '../../src/engines/mongodb/post-store.ts'
import {
  type Collections,
  collectionsOf,
  INDEXES,
  makeIndexes,
  missingSteps,
} from '../../src/engines/mongodb/schema.ts'
import type { PostStore } from '../../src/social/ports.ts'
import { testFanoutLedger } from '../../src/testing/fanout-ledger.ts'
import { testPostContent } from '../../src/testing/post-content.ts'
import { testPostLikes } from '../../src/testing/post-likes.ts'
import { testPostNotices } from '../../src/testing/post-notices.ts'
import { testPostOutboxes } from '../../src/testing/post-outboxes.ts'
import { testPostStore } from '../../src/testing/post-store.ts'
import type { StoreHarness } from '../../src/testing/social-values.ts'
import { testContext } from '../setup/context.ts'
import { mongodbServer } from '../setup/mongodb.ts'

const server = mongodbServer()

/** First fields of the indexes, by the name of the collection. */
function leadingFields(collections: Collections): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    Object.entries(INDEXES).map(([name, indexes]) => [
      collections[name as keyof Collections].collectionName,
      new Set(['_id', ...indexes.map((index) => Object.keys(index.key)[0]!)]),
    ]),
  )
}

/** What a command asks its collection for; a command may ask several times. */
function filtersOf({ commandName, command }: CommandStartedEvent): Document[] {
  if (commandName === 'find') return [command['filter']]
  if (commandName === 'findAndModify') return [command['query']]
  if (commandName === 'aggregate') return [command['pipeline'][0].$match]
  if (commandName === 'update') return command['updates'].map((each: Document) => each['q'])
  if (commandName === 'delete') return command['deletes'].map((each: Document) => each['q'])
  return []
}

/** Equality, one of several values or a range: what an index is read by. */
function isNarrow(condition: unknown): boolean {
  if (typeof condition !== 'object' || condition === null || condition instanceof Date) return condition != null
  return Object.keys(condition).some((operator) => ['$in', '$lt', '$lte', '$gt', '$gte'].includes(operator))
}

describe.skipIf(server === undefined)('posts on mongodb', () => {
  const unindexed = new Set<string>()
  let filters = 0

  async function create(): Promise<StoreHarness<PostStore>> {
    const options = { useBigInt64: true, ignoreUndefined: true, promoteBuffers: true, maxPoolSize: 10 }
    const client = new MongoClient(server!, { ...options, monitorCommands: true })
    const db = client.db(`test-${randomBytes(6).toString('hex')}`)
    const collections = collectionsOf(db, '')
    await makeIndexes(collections, await missingSteps(collections))
    const leading = leadingFields(collections)
    client.on('commandStarted', (event) => {
      for (const filter of filtersOf(event)) {
        filters += 1
        const name = event.command[event.commandName] as string
        const fields = [...(leading.get(name) ?? [])]
        if (!fields.some((field) => isNarrow(filter[field]))) {
          unindexed.add(`${event.commandName} ${name} by ${Object.keys(filter).join(', ')}`)
        }
      }
    })
    const { store, close } = openPostStore(collections, testContext())
    return {
      store,
      async close() {
        await close()
        await db.dropDatabase()
        await client.close()
      },
    }
  }

  testPostStore('mongodb', create)
  testPostLikes('mongodb', create)
  testPostNotices('mongodb', create)
  testPostContent('mongodb', create)
  testPostOutboxes('mongodb', create)
  testFanoutLedger('mongodb', create)

  it('are read and written through an index by everything that these suites do', () => {
    expect(filters).toBeGreaterThan(1_000)
    expect([...unindexed]).toEqual([])
  })
})
