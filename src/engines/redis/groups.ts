/** Hash tags whose slots lie in the middle of each 32nd part of a cluster's 16,384 slots, in order of slot. */
export const CLUSTER_TAGS: readonly string[] = (
  '973 707 25 617 180 527 758 809 634 840 138 383 208 196 318 152 ' +
  '102 348 137 258 63 785 935 695 496 708 586 618 793 916 683 40'
).split(' ')

/**
 * How keys are named: `t{<tag>}:<user id>`. Keys with the same tag live on the same node, so that one call can name many
 * of them; a user's tag follows from his id alone, whatever nodes there are. A single server needs one tag only.
 */
export interface Groups {
  keyOf(userId: string): string
  /** Users whose keys one call may name, at most `max` each. */
  split(userIds: readonly string[], max: number): string[][]
}

/**
 * FNV-1a over UTF-16 code units, then MurmurHash3's finalizer, since ids that differ in their last character only are
 * the rule. Stored keys depend on it: it can never change.
 */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return (value ^ (value >>> 16)) >>> 0
}

export function groupTags(isCluster: boolean, prefix = ''): Groups {
  const tags = isCluster ? CLUSTER_TAGS : ['0']
  const starts = tags.map((tag) => `${prefix === '' ? '' : `${prefix}:`}t{${tag}}:`)
  const groupOf = (userId: string) => (starts.length === 1 ? 0 : hash(userId) % starts.length)

  function* chunks(userIds: readonly string[], max: number): Generator<string[]> {
    for (let from = 0; from < userIds.length; from += max) yield userIds.slice(from, from + max)
  }

  return {
    keyOf: (userId) => starts[groupOf(userId)] + userId,
    split(userIds, max) {
      if (starts.length === 1) return [...chunks(userIds, max)]
      const members: string[][] = starts.map(() => [])
      for (const userId of userIds) members[groupOf(userId)]!.push(userId)
      return members.flatMap((group) => [...chunks(group, max)])
    },
  }
}
