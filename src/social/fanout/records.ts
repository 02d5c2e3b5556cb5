import { createBatcher } from '../../core/batcher.ts'
import type { Clock } from '../../core/clock.ts'
import { createLookup } from '../../core/lookup.ts'
import type { Chunk, ChunkDone, Fanout, FollowerRange, FollowStore, PostStore, WholeDone } from '../ports.ts'

/** Ranges of followers that are read by one query. */
const RANGES_PER_QUERY = 16

/**
 * What many messages under way at once ask of the ledger and of the follows, in few queries: messages of small authors
 * are many, and each alone would cost as many round trips as a chunk of thousands.
 */
export function createFanoutRecords(
  { posts: { ledger }, follows }: { posts: PostStore; follows: FollowStore },
  clock: Clock,
  followersMax: number,
) {
  const nameOf = (postId: bigint, chunk: number) => `${postId}/${chunk}`

  const findFanout = createLookup<bigint, Fanout>(ledger.find, (fanout) => fanout.postId)
  const findChunk = createLookup<string, Chunk>(
    (names) =>
      ledger.chunks(
        names.map((name) => {
          const [postId, chunk] = name.split('/') as [string, string]
          return { postId: BigInt(postId), chunk: Number(chunk) }
        }),
      ),
    (chunk) => nameOf(chunk.postId, chunk.chunk),
  )
  const reading = createBatcher<FollowerRange, readonly string[]>({
    maxItems: RANGES_PER_QUERY,
    concurrency: 2,
    run: async (ranges) => (await follows.followerIds(ranges, followersMax)).map((value) => ({ ok: true, value })),
  })
  const finishing = createBatcher<WholeDone, boolean>({
    run: (items) =>
      onceEach(
        items,
        (item) => `${item.postId}`,
        (unique) => ledger.finishWhole(unique, new Date(clock.now())),
        false,
      ),
  })
  const finishingChunks = createBatcher<ChunkDone, { recorded: boolean; postDone: boolean }>({
    run: (items) =>
      onceEach(
        items,
        (item) => nameOf(item.postId, item.chunk),
        (unique) => ledger.finishChunks(unique, new Date(clock.now())),
        { recorded: false, postDone: false },
      ),
  })

  return {
    find: findFanout,
    chunk: (postId: bigint, chunk: number) => findChunk(nameOf(postId, chunk)),
    followerIds: (range: FollowerRange) => reading.add(range),
    finishWhole: (item: WholeDone) => finishing.add(item),
    finishChunk: (item: ChunkDone) => finishingChunks.add(item),
  }
}

/** Runs a batch with each name once; the repeats are answered `repeat`. */
async function onceEach<Item, Result>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  run: (unique: readonly Item[]) => Promise<readonly Result[]>,
  repeat: Result,
): Promise<{ ok: true; value: Result }[]> {
  const first = new Map<string, Item>()
  for (const item of items) if (!first.has(nameOf(item))) first.set(nameOf(item), item)
  const unique = [...first.values()]
  const outcomes = await run(unique)
  const outcomeOf = new Map(unique.map((item, index) => [item, outcomes[index]!]))
  return items.map((item) => ({ ok: true, value: outcomeOf.get(item) ?? repeat }))
}
