import Type, { type Static } from 'typebox'
import { LIMITS } from '../core/limits.ts'
import { MEDIA_TYPES, VISIBILITIES } from './ports.ts'

const idPattern = `^[A-Za-z0-9_.:-]{1,${LIMITS.externalIdCharsMax}}$`
export const USER_ID_MESSAGE = `must be 1 to ${LIMITS.externalIdCharsMax} characters of [A-Za-z0-9_.:-]`

export const UserId = Type.String({
  pattern: idPattern,
  description: `Id of a user, chosen by the caller or made; 1 to ${LIMITS.externalIdCharsMax} of A-Z a-z 0-9 _ . : -`,
  examples: ['ada'],
  errorMessage: USER_ID_MESSAGE,
})

/** A 63-bit id as a decimal string. */
const bigId = (description: string) =>
  Type.String({
    pattern: '^(0|[1-9][0-9]{0,18})$',
    description: `${description}; a 63-bit number in decimal, larger for newer ones`,
    examples: ['2117284913684299776'],
    errorMessage: 'must be an id: a whole number in decimal, as a string',
  })
export const PostId = bigId('Id of a post')
export const CommentId = bigId('Id of a comment')

const Timestamp = (description: string) =>
  Type.String({ format: 'date-time', description: `${description}, UTC`, examples: ['2026-01-31T12:00:00.000Z'] })

const Count = (description: string) => Type.Integer({ minimum: 0, description })

const visible = (maxLength: number, description: string, example: string) =>
  Type.String({
    minLength: 1,
    maxLength,
    pattern: '^[^\\u0000]*$',
    description: `${description}; at most ${maxLength} characters`,
    examples: [example],
    errorMessage: `must be 1 to ${maxLength} characters, none of them NUL`,
  })

// ---------------------------------------------------------------------------------------------------------- users

export const CreateUserInput = Type.Object(
  {
    user_id: Type.Optional(UserId),
    handle: Type.String({
      pattern: `^[A-Za-z0-9_]{1,${LIMITS.handleCharsMax}}$`,
      description: `Public name, unique whatever its case; 1 to ${LIMITS.handleCharsMax} of A-Z a-z 0-9 _`,
      examples: ['ada'],
      errorMessage: `must be 1 to ${LIMITS.handleCharsMax} characters of [A-Za-z0-9_]`,
    }),
    name: visible(LIMITS.nameCharsMax, 'Name shown beside posts', 'Ada Lovelace'),
  },
  { additionalProperties: false, description: 'A new user' },
)
export type CreateUserInput = Static<typeof CreateUserInput>

export const User = Type.Object(
  {
    user_id: UserId,
    handle: Type.String({ description: 'Public name, unique whatever its case', examples: ['ada'] }),
    name: Type.String({ description: 'Name shown beside posts', examples: ['Ada Lovelace'] }),
    created_at: Timestamp('When the user was created'),
  },
  { description: 'A user' },
)
export type User = Static<typeof User>

export const FollowEntry = Type.Object(
  {
    user_id: UserId,
    handle: Type.String({ description: 'Public name', examples: ['ada'] }),
    name: Type.String({ description: 'Name shown beside posts', examples: ['Ada Lovelace'] }),
    since: Timestamp('When the follow began'),
  },
  { description: 'One user in a list of follows or followers' },
)
export type FollowEntry = Static<typeof FollowEntry>

// ----------------------------------------------------------------------------------------------------------- posts

export const MediaItem = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://[^\\s\\u0000]+$',
      maxLength: LIMITS.urlCharsMax,
      description: `Where the file lies (http or https), at most ${LIMITS.urlCharsMax} characters; never fetched`,
      examples: ['https://cdn.example.com/engine.jpg'],
      errorMessage: `must be an http or https URL of at most ${LIMITS.urlCharsMax} characters`,
    }),
    type: Type.Enum([...MEDIA_TYPES], { description: 'Kind of medium', examples: ['image'] }),
    alt: Type.Optional(visible(LIMITS.nameCharsMax, 'What it shows, for people who cannot see it', 'A brass machine')),
  },
  { additionalProperties: false, description: 'A picture, video or sound' },
)

export const Content = Type.Object(
  {
    text: Type.Optional(visible(LIMITS.postTextCharsMax, 'Text of the post', 'Notes on the Analytical Engine')),
    media: Type.Optional(
      Type.Array(MediaItem, {
        minItems: 1,
        maxItems: LIMITS.postMediaMax,
        description: `At most ${LIMITS.postMediaMax} pictures, videos or sounds, in the order shown`,
      }),
    ),
  },
  { additionalProperties: false, minProperties: 1, description: 'Text, media, or both' },
)

const VisibilityField = Type.Enum([...VISIBILITIES], {
  description: 'Who may read it: everybody, or followers only',
  examples: ['public'],
})

export const PublishInput = Type.Object(
  { user_id: UserId, content: Content, visibility: Type.Optional(VisibilityField) },
  { additionalProperties: false, description: 'A new post' },
)
export type PublishInput = Static<typeof PublishInput>

export const Post = Type.Object(
  {
    post_id: PostId,
    user_id: UserId,
    content: Content,
    visibility: VisibilityField,
    timestamp: Timestamp('When it was published'),
    like_count: Count('People who like it'),
    comment_count: Count('Comments on it'),
  },
  { description: 'A post' },
)
export type Post = Static<typeof Post>

// -------------------------------------------------------------------------------------------------------- comments

export const CreateCommentInput = Type.Object(
  { user_id: UserId, text: visible(LIMITS.commentTextCharsMax, 'Text of the comment', 'How does it carry the tens?') },
  { additionalProperties: false, description: 'A new comment' },
)
export type CreateCommentInput = Static<typeof CreateCommentInput>

export const Comment = Type.Object(
  {
    comment_id: CommentId,
    post_id: PostId,
    user_id: UserId,
    text: Type.String({ description: 'Text of the comment' }),
    timestamp: Timestamp('When it was written'),
  },
  { description: 'A comment' },
)
export type Comment = Static<typeof Comment>

// ----------------------------------------------------------------------------------------------------------- lists

const pageSchema = <Item extends Type.TSchema>(item: Item, description: string) =>
  Type.Object(
    {
      items: Type.Array(item),
      next_cursor: Type.Optional(
        Type.String({ description: 'Send it as cursor for the next page; absent at the end' }),
      ),
    },
    { description },
  )
export const PostPage = pageSchema(Post, 'Posts, newest first')
export const CommentPage = pageSchema(Comment, 'Comments, oldest first')
export const FollowPage = pageSchema(FollowEntry, 'Users, by id')
