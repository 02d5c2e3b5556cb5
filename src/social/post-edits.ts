import { sortedJson } from '../core/canonical-json.ts'
import { type CommandContext, checkExpectedVersion } from '../core/command.ts'
import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { validator } from '../core/schema.ts'
import type { SocialDeps } from './deps.ts'
import { postIdOf, postNotFound } from './documents.ts'
import { isRepost } from './policy.ts'
import type { PostContent, StoredPost } from './ports.ts'
import { EditPostInput, type Post } from './schemas.ts'
import { hashtagsIn } from './text.ts'

export interface PostReading {
  findPost(postId: bigint): Promise<StoredPost | undefined>
  /** Ids of the users named in a text. */
  mentionsIn(text: string | undefined): Promise<string[]>
  /** The document for the author of the post. */
  toDocument(post: StoredPost): Promise<Post>
}

const checkInput = validator(EditPostInput)

/** Edits of one post at the same time each replace what the one before left, so each makes a version of its own. */
export function createPostEdits({ posts, clock }: SocialDeps, { findPost, mentionsIn, toDocument }: PostReading) {
  return async function edit(postId: string, input: EditPostInput, context: CommandContext = {}): Promise<Post> {
    const content = checkInput(input).content as PostContent
    const id = postIdOf(postId)
    const mentions = await mentionsIn(content.text)
    for (const endsAt = clock.now() + LIMITS.commandMsMax; ; ) {
      const post = await findPost(id)
      if (post === undefined) throw postNotFound(postId)
      if (isRepost(post)) throw new AppError('not_editable')
      // A repeat of the request that made it so, whatever version that was sent with.
      if (sortedJson(post.content) === sortedJson(content)) return toDocument(post)
      checkExpectedVersion(context, post.version)
      if (post.version > LIMITS.postEditsMax) {
        throw new AppError('too_many_edits', `A post may be edited ${LIMITS.postEditsMax} times`, {
          data: { limit: LIMITS.postEditsMax },
        })
      }
      const tags = post.visibility === 'public' ? hashtagsIn(content.text) : []
      const change = { postId: id, version: post.version, content, mentions, tags }
      const outcome = await posts.edit(change, new Date(clock.now()))
      if (outcome.kind === 'edited') return toDocument(outcome.post)
      if (clock.now() > endsAt) throw new AppError('write_contention')
    }
  }
}
