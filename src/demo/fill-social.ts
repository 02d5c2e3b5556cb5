import type { MadeComment, MadePost, Reaction } from './posts.ts'
import { keyed, type Scene } from './scene.ts'

const AT_ONCE = 64
/** Likes of one moment are stored by few statements. */
const LIKES_AT_ONCE = 200
/** What is older is published before anybody reads. */
const FRESH_MS = 2.5 * 3_600_000

export async function fillPeople({ fanfold: { social }, world, act, each }: Scene): Promise<void> {
  const { persons, follows, blocks, mutes } = world.people
  await each('people', persons, AT_ONCE, ({ userId, handle, name, joinedAgoMs }) =>
    act(joinedAgoMs, () => social.createUser({ user_id: userId, handle, name }, keyed(`user-${userId}`))),
  )
  const lines = follows.map(({ userId, otherId }) => `${userId} ${otherId}`)
  await each('follows', [lines], 1, (edges) => act(30 * 86_400_000, () => social.importFollows(edges)))
  await each('blocks and mutes', [...blocks, ...mutes], AT_ONCE, (relation) => {
    const { userId, otherId } = relation
    const isBlock = blocks.includes(relation)
    return act(29 * 86_400_000, () => (isBlock ? social.block(userId, otherId) : social.mute(userId, otherId)))
  })
}

/** Those whose timelines are there before the last posts come: the ones who follow most. */
export function readersOf({ world }: Pick<Scene, 'world'>, count: number): string[] {
  const follows = new Map<string, number>()
  for (const { userId } of world.people.follows) follows.set(userId, (follows.get(userId) ?? 0) + 1)
  const most = [...follows].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return most.slice(0, count).map(([userId]) => userId)
}

export async function fillFeed(scene: Scene, readers: number): Promise<void> {
  const { fanfold, world, nowMs, act, each } = scene
  const { social } = fanfold
  const { posts, likes, comments } = world.feed
  const ids = new Map<MadePost, string>()

  async function publish(post: MadePost): Promise<void> {
    const { key, userId, content, followersOnly, agoMs } = post
    const visibility = followersOnly ? ('followers' as const) : ('public' as const)
    const stored = await act(agoMs, () => social.publish({ user_id: userId, content, visibility }, keyed(key)))
    ids.set(post, stored.post_id)
  }
  const reacted = new Set([...likes, ...comments].map(({ post }) => posts[post]!))
  const isNew = ({ agoMs }: MadePost) => agoMs <= FRESH_MS
  // Those that nobody reacts to need not be known by their ids.
  const silent = posts.filter((post) => !isNew(post) && !reacted.has(post))
  const lines = silent.map(({ key, userId, content, followersOnly, agoMs }) => {
    const timestamp = new Date(nowMs - agoMs).toISOString()
    return JSON.stringify({
      key,
      user_id: userId,
      ...content,
      timestamp,
      ...(followersOnly ? { visibility: 'followers' } : {}),
    })
  })
  await each('posts', [lines], 1, (source) => social.importPosts(source, { name: 'demo' }))
  await each(
    'posts that people like',
    posts.filter((post) => !isNew(post) && reacted.has(post)),
    AT_ONCE,
    publish,
  )
  // Outside of the past: these timelines are kept for as long as they are read.
  await each('timelines', readersOf(scene, readers), AT_ONCE, (userId) => social.timeline(userId))
  await each('new posts', posts.filter(isNew), AT_ONCE, publish)

  const idOf = ({ post }: Reaction) => ids.get(posts[post]!)!
  const waves = Array.from({ length: Math.ceil(likes.length / LIKES_AT_ONCE) }, (_, wave) =>
    likes.slice(wave * LIKES_AT_ONCE, (wave + 1) * LIKES_AT_ONCE),
  )
  await each('likes', waves, 1, (wave) => {
    // The last of a wave is the youngest: none is older than its post.
    const agoMs = wave.at(-1)!.agoMs
    return Promise.all(wave.map((like) => act(agoMs, () => social.like(idOf(like), like.userId))))
  })
  await each('comments', comments, AT_ONCE, (comment: MadeComment) => {
    const { key, userId, text, agoMs } = comment
    return act(agoMs, () => social.comment(idOf(comment), { user_id: userId, text }, keyed(key)))
  })
}
