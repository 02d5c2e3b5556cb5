import type { People } from './people.ts'
import type { Random } from './random.ts'
import type { WorldSize } from './size.ts'
import { COMMENTS, ENDINGS, MORE_COMMENTS, MORE_ENDINGS, MORE_OPENINGS, OPENINGS, TOPICS } from './words.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
/** The posts reach back so far. */
const DAYS = 28
/** Share of the posts of the last two hours: those are published when some timelines are there. */
const FRESH = 0.03
/** Share of the posts that people react to at all. */
const NOTICED = 0.2

export interface MadeContent {
  readonly text: string
  readonly media?: { url: string; type: 'image'; alt: string }[]
}

export interface MadePost {
  readonly key: string
  readonly userId: string
  readonly content: MadeContent
  readonly followersOnly: boolean
  readonly agoMs: number
}

/** What somebody does with a post, by its place in the list of posts. */
export interface Reaction {
  readonly post: number
  readonly userId: string
  readonly agoMs: number
}
export interface MadeComment extends Reaction {
  readonly key: string
  readonly text: string
}

export interface Feed {
  /** Oldest first. */
  readonly posts: readonly MadePost[]
  /** Oldest first. */
  readonly likes: readonly Reaction[]
  readonly comments: readonly MadeComment[]
}

/** Something to say: a topic, now and then with its hashtag, somebody's handle and a picture. */
export function makeContent(people: People, random: Random): MadeContent {
  const topic = random.pick(TOPICS)
  const opening = random.pick([...OPENINGS, ...MORE_OPENINGS])
  const ending = random.pick([...ENDINGS, ...MORE_ENDINGS])
  const mention = random.chance(0.12) ? ` With @${people.persons[random.rank(people.persons.length, 2)]!.handle}.` : ''
  const tag = random.chance(0.5) ? ` #${topic.tag}` : ''
  const text = `${opening} ${random.pick(topic.things)}. ${ending}`.trim() + mention + tag
  if (!random.chance(0.18)) return { text }
  const url = `https://media.example.com/${topic.tag}/${random.int(1, 999)}.jpg`
  return { text, media: [{ url, type: 'image', alt: random.pick(topic.shows) }] }
}

export const makeCommentText = (random: Random): string => random.pick([...COMMENTS, ...MORE_COMMENTS])

function makePosts(size: WorldSize, people: People, random: Random): MadePost[] {
  const fresh = Math.ceil(size.posts * FRESH)
  const ages = Array.from({ length: size.posts }, (_, index) =>
    index < fresh ? random.int(1, 120) * MINUTE_MS : random.int(3 * HOUR_MS, DAYS * 24 * HOUR_MS),
  ).sort((a, b) => b - a)
  return ages.map((agoMs, index) => ({
    key: `post-${index + 1}`,
    // Who is followed much writes much, but everybody may.
    userId: people.persons[random.rank(people.persons.length, 1.8)]!.userId,
    content: makeContent(people, random),
    followersOnly: random.chance(0.06),
    agoMs,
  }))
}

/** Somebody other than the author who may read the post, at a moment after it; `undefined` for an unlucky draw. */
function reactionTo(posts: readonly MadePost[], people: People, random: Random, order: readonly number[]) {
  const post = order[random.rank(order.length, 2.2)]!
  const { userId: authorId, followersOnly, agoMs } = posts[post]!
  const { userId } = people.persons[random.rank(people.persons.length, 1.2)]!
  if (userId === authorId || followersOnly) return undefined
  const later = Math.floor(agoMs * (0.02 + 0.9 * random.next() ** 3))
  return { post, userId, agoMs: Math.max(1, agoMs - later) }
}

/** Posts of the last weeks, and who liked and commented them, a few of them very many. */
export function makeFeed(size: WorldSize, people: People, random: Random): Feed {
  const posts = makePosts(size, people, random.fork('posts'))
  // Which posts people like is no matter of their age.
  const order = posts.map((_, index) => [random.next(), index] as const)
  const shuffled = order.sort(([a], [b]) => a - b).map(([, index]) => index)
  const noticed = shuffled.slice(0, Math.ceil(posts.length * NOTICED))
  const blocked = new Set(
    people.blocks.flatMap(({ userId, otherId }) => [`${userId} ${otherId}`, `${otherId} ${userId}`]),
  )
  const react = (source: Random) => {
    const reaction = reactionTo(posts, people, source, noticed)
    if (reaction === undefined) return undefined
    return blocked.has(`${reaction.userId} ${posts[reaction.post]!.userId}`) ? undefined : reaction
  }
  const ofLikes = random.fork('likes')
  const likes = new Map<string, Reaction>()
  for (let tries = 0; likes.size < size.likes && tries < size.likes * 4; tries++) {
    const reaction = react(ofLikes)
    if (reaction !== undefined) likes.set(`${reaction.post} ${reaction.userId}`, reaction)
  }
  const ofComments = random.fork('comments')
  const comments: MadeComment[] = []
  for (let tries = 0; comments.length < size.comments && tries < size.comments * 4; tries++) {
    const reaction = react(ofComments)
    if (reaction === undefined) continue
    comments.push({ ...reaction, key: `comment-${comments.length + 1}`, text: makeCommentText(ofComments) })
  }
  const oldestFirst = (a: Reaction, b: Reaction) => b.agoMs - a.agoMs
  return { posts, likes: [...likes.values()].sort(oldestFirst), comments: comments.sort(oldestFirst) }
}
