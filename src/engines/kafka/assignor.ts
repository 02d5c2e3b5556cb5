/** Who is in the group, as its leader sees it. */
export interface GroupMember {
  readonly id: string
  /** What it holds, or still finishes work of: topic -> partitions. */
  readonly owned: Readonly<Record<string, readonly number[]>>
  /** The generation of the group in which it got them. */
  readonly generation: number
  /** It takes nothing any more and gives away what it has. */
  readonly isLeaving: boolean
}

export type Assignment = Readonly<Record<string, readonly number[]>>

/**
 * Divides partitions evenly, topic by topic, and moves as few as it can. A partition that must move is given to nobody
 * as long as its holder has it: the holder sees that it lost it, finishes what is under way, and joins again without
 * it; then it is free. So no message is handed to a second process while the first lives and works on it.
 */
export function assign(
  members: readonly GroupMember[],
  topics: ReadonlyMap<string, number>,
): Map<string, Record<string, number[]>> {
  const assigned = new Map<string, Record<string, number[]>>(members.map(({ id }) => [id, {}]))
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
  const takers = sorted.filter(({ isLeaving }) => !isLeaving)
  let turn = 0
  for (const [topic, count] of topics) {
    const holders = holdersOf(topic, members)
    const kept = new Map(takers.map(({ id }) => [id, [] as number[]]))
    const free: number[] = []
    // Those who hold most keep the larger shares, so that these stay where they are.
    const held = (id: string) => [...holders.values()].filter((holder) => holder === id).length
    const rotated = takers.map((_, i) => takers[(i + turn) % takers.length]!)
    const bySize = rotated.sort((a, b) => held(b.id) - held(a.id))
    const shares = new Map(
      bySize.map(({ id }, i) => [id, Math.floor(count / takers.length) + (i < count % takers.length ? 1 : 0)]),
    )
    turn += 1
    for (let partition = 0; partition < count; partition++) {
      const holder = holders.get(partition)
      if (holder === undefined) {
        free.push(partition)
        continue
      }
      const mine = kept.get(holder)
      if (mine !== undefined && mine.length < shares.get(holder)!) mine.push(partition)
    }
    for (const { id } of bySize) {
      const mine = kept.get(id)!
      while (mine.length < shares.get(id)! && free.length > 0) mine.push(free.shift()!)
      if (mine.length > 0) assigned.get(id)![topic] = mine.sort((a, b) => a - b)
    }
  }
  return assigned
}

/** Partition -> the member that holds it; the claim of a later generation counts. */
function holdersOf(topic: string, members: readonly GroupMember[]): Map<number, string> {
  const claims = new Map<number, GroupMember>()
  for (const member of members) {
    for (const partition of member.owned[topic] ?? []) {
      const other = claims.get(partition)
      if (other === undefined || other.generation < member.generation) claims.set(partition, member)
    }
  }
  return new Map(Array.from(claims, ([partition, { id }]) => [partition, id]))
}
