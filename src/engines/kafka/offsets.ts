import { retry } from '../../core/retry.ts'
import type { Cluster, Committed, PartitionId } from './cluster.ts'
import { isPassing, PATIENCE } from './failure.ts'

export const EARLIEST = -2n
export const LATEST = -1n
const UNCOMMITTED_READS = 0

/** The first offset that is kept, or the one behind the last, of each partition; `topic/partition` -> offset. */
export async function offsetsOf(
  cluster: Cluster,
  partitions: readonly PartitionId[],
  timestamp: bigint,
): Promise<Map<string, number>> {
  const { driver, connections } = cluster
  const found = new Map<string, number>()
  await retry(PATIENCE, async () => {
    const byLeader = new Map<string, PartitionId[]>()
    for (const id of partitions) {
      if (found.has(partitionName(id))) continue
      const { host, port } = await cluster.leaderOf(id)
      byLeader.set(`${host} ${port}`, [...(byLeader.get(`${host} ${port}`) ?? []), id])
    }
    await Promise.all(
      Array.from(byLeader.values(), async (ids) => {
        const broker = await cluster.leaderOf(ids[0]!)
        const topics = byTopic(ids).map(([name, numbers]) => ({
          name,
          partitions: numbers.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })),
        }))
        try {
          const api = driver.listOffsetsV8.api
          const answer = await connections.call({ role: 'main', broker }, api, -1, UNCOMMITTED_READS, topics)
          for (const { name, partitions: offsets } of answer.topics) {
            for (const { partitionIndex, offset } of offsets) found.set(`${name}/${partitionIndex}`, Number(offset))
          }
        } catch (error) {
          cluster.forgetLeaders(ids.map(({ topic }) => topic))
          throw error
        }
      }),
    )
  })
  return found
}

/** What a group has committed of the partitions; -1 for those of which nothing. */
export async function committedOf(
  cluster: Cluster,
  group: string,
  partitions: readonly PartitionId[],
): Promise<Committed[]> {
  const topics = byTopic(partitions).map(([name, partitionIndexes]) => ({ name, partitionIndexes }))
  const answer = await retry(PATIENCE, () =>
    cluster.askCoordinator(
      group,
      {},
      cluster.driver.offsetFetchV8.api,
      [{ groupId: group, memberId: null, memberEpoch: -1, topics }],
      true,
    ),
  )
  const committed = answer.groups[0]?.topics ?? []
  return committed.flatMap(({ name, partitions: found }) =>
    found.map(({ partitionIndex, committedOffset, metadata }) => {
      return { topic: name, partition: partitionIndex, offset: Number(committedOffset), metadata: metadata ?? '' }
    }),
  )
}

export const partitionName = ({ topic, partition }: PartitionId) => `${topic}/${partition}`

export function byTopic(partitions: readonly PartitionId[]): [string, number[]][] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics]
}

/** The ids of all partitions of a topic. */
export const allPartitions = (topic: string, count: number): PartitionId[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }))

/** Deletes what lies before the offsets. It only saves room: what fails for a moment is left. Throws what stays. */
export async function purge(
  cluster: Cluster,
  offsets: readonly (PartitionId & { readonly offset: number })[],
): Promise<void> {
  const { driver, connections } = cluster
  const api = driver.deleteRecordsV2.api
  for (const { topic, partition, offset } of offsets) {
    try {
      const broker = await cluster.leaderOf({ topic, partition })
      const topics = [{ name: topic, partitions: [{ partitionIndex: partition, offset: BigInt(offset) }] }]
      await connections.call({ role: 'main', broker }, api, topics, 5_000)
    } catch (error) {
      if (!isPassing(error)) throw error
      cluster.forgetLeaders([topic])
    }
  }
}
