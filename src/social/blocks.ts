import { createBatcher } from '../core/batcher.ts'
import type { SocialStores } from './deps.ts'
import type { Relation } from './ports.ts'

interface Question {
  readonly authorId: string
  readonly userId: string
}

/** Two queries overlap the wire with the database. */
const QUERIES_AT_ONCE = 2

/**
 * Does either of the two block the other? Asked about one author by many at once (those who like a hot post), it costs
 * one query for all of them. Read after it was asked, so a block counts from the moment it is answered.
 */
export function createBlockLookup({ follows }: Pick<SocialStores, 'follows'>) {
  const asking = createBatcher<Question, boolean>({
    concurrency: QUERIES_AT_ONCE,
    async run(questions) {
      const askers = new Map<string, Set<string>>()
      for (const { authorId, userId } of questions) {
        const known = askers.get(authorId)
        if (known === undefined) askers.set(authorId, new Set([userId]))
        else known.add(userId)
      }
      // A block holds in both directions, so it may be asked from the side that has one author for many.
      const answers = new Map<string, Map<string, Relation>>()
      await Promise.all(
        Array.from(askers, async ([authorId, userIds]) => {
          answers.set(authorId, await follows.relations(authorId, [...userIds]))
        }),
      )
      return questions.map(({ authorId, userId }) => ({
        ok: true,
        value: answers.get(authorId)?.get(userId)?.blocked ?? false,
      }))
    },
  })

  return (userId: string, authorId: string): Promise<boolean> => asking.add({ authorId, userId })
}
