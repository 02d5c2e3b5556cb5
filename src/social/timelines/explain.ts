import { messageOf } from '../../core/errors.ts'
import type { SocialDeps } from '../deps.ts'
import { postIdOf, userIdOf } from '../documents.ts'
import { belongsHome, isRepost, mayShowRoot, STRANGERS } from '../policy.ts'
import type { FanoutState, Relation, StoredPost } from '../ports.ts'
import type { Users } from '../users.ts'
import type { HomeReader, Place } from './home.ts'
import type { Outboxes } from './outboxes.ts'
import type { ExplainStep, TimelineExplanation } from './schemas.ts'

const step = (check: string, ok: boolean, detail: string): ExplainStep => ({ check, ok, detail })

function relationStep(relation: Relation, post: StoredPost): ExplainStep {
  const { follows, blocked, muted, keptUntil } = relation
  const author = post.userId
  if (blocked) return step('relation', false, `the user and ${author} block one another, or one of them does`)
  if (muted) return step('relation', false, `the user has muted ${author}`)
  if (follows) return step('relation', true, `the user follows ${author}`)
  if (keptUntil === undefined) return step('relation', false, `the user does not follow ${author}`)
  const until = keptUntil.toISOString()
  if (post.timestamp > keptUntil) return step('relation', false, `the user unfollowed ${author} at ${until}, before it`)
  if (post.visibility !== 'public') return step('relation', false, `it is for followers, which the user is no more`)
  return step('relation', true, `the user unfollowed ${author} at ${until} and kept what was published until then`)
}

function fanoutDetail(state: FanoutState): string {
  if (state.mode === 'pull') return 'pull: it is merged in from its author’s outbox when timelines are read'
  const counts =
    `${state.followersScanned} followers scanned: ${state.delivered} delivered, ${state.duplicate} had it, ` +
    `${state.inactive} inactive`
  if (state.doneAt !== undefined) return `push: done at ${state.doneAt.toISOString()}, ${counts}`
  return `push: under way, ${state.doneChunks} of ${state.plannedChunks} planned chunks done, ${counts}`
}

export function createExplain(deps: SocialDeps, users: Users, home: HomeReader, outboxes: Outboxes) {
  const { posts, follows, timelines } = deps

  async function storedStep(userId: string, post: StoredPost): Promise<ExplainStep> {
    try {
      const slice = await timelines.read(userId, post.postId + 1n, 1, { visit: false })
      if (slice === undefined) return step('timeline', true, 'not ready: pages are read from the posts themselves')
      if (slice.postIds[0] === post.postId) return step('timeline', true, 'it is an entry of the timeline')
      if (post.postId <= slice.floor) {
        return step('timeline', true, 'it is older than the timeline reaches: there pages are read from the posts')
      }
      const pulled = post.mode === 'pull' && (await outboxes.followedBy(userId)).includes(post.userId)
      if (pulled) return step('timeline', true, 'it is no entry, but a pull post: it comes from its author’s outbox')
      return step('timeline', false, 'it is no entry of the timeline')
    } catch (error) {
      return step('timeline', false, `the timeline could not be read: ${messageOf(error)}`)
    }
  }

  async function rootStep(userId: string, post: StoredPost): Promise<ExplainStep[]> {
    if (post.repostOf === undefined) return []
    const [root] = await posts.find([post.repostOf])
    if (root === undefined) return [step('reposted', !isRepost(post), `post ${post.repostOf} is gone`)]
    const relation = (await follows.relations(userId, [root.userId])).get(root.userId) ?? STRANGERS
    const may = mayShowRoot(root, userId, relation)
    const detail = `post ${root.postId} of ${root.userId} ${may ? 'may' : 'may not'} be shown to the user`
    return [step('reposted', may || !isRepost(post), detail)]
  }

  return async function explain(userId: string, postId: string): Promise<TimelineExplanation> {
    await users.require(userIdOf(userId))
    const id = postIdOf(postId)
    const answer = (shown: boolean, due: boolean, steps: ExplainStep[]): TimelineExplanation => ({
      ...{ user_id: userId, post_id: id.toString() },
      ...{ shown, due, steps },
    })
    const [post] = await posts.find([id])
    if (post === undefined) return answer(false, false, [step('post', false, 'it does not exist (any more)')])
    const steps = [
      step('post', true, `published by ${post.userId} at ${post.timestamp.toISOString()}, for ${post.visibility}`),
    ]
    const own = post.userId === userId
    const relation = own ? STRANGERS : ((await follows.relations(userId, [post.userId])).get(post.userId) ?? STRANGERS)
    steps.push(own ? step('relation', true, 'it is the user’s own') : relationStep(relation, post))
    steps.push(...(await rootStep(userId, post)))
    const due = belongsHome(post, userId, relation) && steps.every(({ ok }) => ok)
    const state = await posts.ledger.state(id)
    if (state !== undefined) steps.push(step('fan-out', state.doneAt !== undefined, fanoutDetail(state)))
    steps.push(await storedStep(userId, post))
    const at: Place = { below: id + 1n, reposted: [] }
    const [next] = (await home.read(userId, at, 1)).posts
    const shown = next?.postId === id
    if (due && shown) {
      steps.push(
        step('walk', true, 'a walk shows it, unless one of the reposts shown shortly before passed the same post on'),
      )
    }
    return answer(shown, due, steps)
  }
}
