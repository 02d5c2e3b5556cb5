import Type, { type Static } from 'typebox'
import { Post, PostId, UserId } from '../schemas.ts'

const Token = Type.String({ description: 'Send it as newer, or as Last-Event-ID, for what comes from now on' })

export const TimelinePage = Type.Object(
  {
    items: Type.Array(Post),
    next_cursor: Type.Optional(
      Type.String({ description: 'Send it as cursor for the next page; absent at the end, and without a gap' }),
    ),
    newer_token: Type.Optional(Token),
    gap: Type.Optional(
      Type.Boolean({ description: 'More came than is told: next_cursor leads to what lies below these items' }),
    ),
    reset: Type.Optional(
      Type.Boolean({ description: 'The token says nothing any more: this first page replaces what was shown before' }),
    ),
  },
  { title: 'TimelinePage', description: 'Posts of a home timeline' },
)
/** `newer_token` stands on first pages and on answers to `newer`. */
export type TimelinePage = Static<typeof TimelinePage>

export const ExplainStep = Type.Object(
  {
    check: Type.String({ description: 'What was looked at', examples: ['relation'] }),
    ok: Type.Boolean({ description: 'Whether it lets the post through' }),
    detail: Type.String({ description: 'What was found', examples: ['the user follows ada'] }),
  },
  { title: 'ExplainStep' },
)
export type ExplainStep = Static<typeof ExplainStep>

export const TimelineExplanation = Type.Object(
  {
    user_id: UserId,
    post_id: PostId,
    shown: Type.Boolean({ description: 'Whether a reader who walks the timeline comes upon it now' }),
    due: Type.Boolean({ description: 'Whether it should be shown by the rules, once its fan-out is done' }),
    steps: Type.Array(ExplainStep, { description: 'What was looked at, in this order' }),
  },
  { title: 'TimelineExplanation', description: 'Why a post is or is not in a home timeline' },
)
/** Why a post is or is not in a home timeline. */
export type TimelineExplanation = Static<typeof TimelineExplanation>
