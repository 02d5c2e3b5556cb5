import Type, { type Static } from 'typebox'
import { LIMITS } from '../core/limits.ts'
import { DELIVERY_MODES, MEDIA_TYPES, VISIBILITIES } from './ports.ts'

const ID = `[A-Za-z0-9_.:-]{1,${LIMITS.externalIdCharsMax}}`
export const USER_ID_MESSAGE = `must be 1 to ${LIMITS.externalIdCharsMax} characters of [A-Za-z0-9_.:-]`

export const UserId = Type.String({
  pattern: `^${ID}$`,
  description: `Id of a user, chosen by the caller or made; 1 to ${LIMITS.externalIdCharsMax} of A-Z a-z 0-9 _ . : -`,
  examples: ['ada'],
  errorMessage: USER_ID_MESSAGE,
})

/** Of a query. */
export const UserIds = Type.String({
  pattern: `^${ID}(,${ID}){0,${LIMITS.pageItemsMax - 1}}$`,
  errorMessage: `must be at most ${LIMITS.pageItemsMax} ids of users, separated by commas`,
  description: `Only these users, at most ${LIMITS.pageItemsMax}, separated by commas: those that are there, in this order; not with q, limit or cursor`,
  examples: ['ada,bob'],
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
  { title: 'CreateUser', additionalProperties: false, description: 'A new user' },
)
export type CreateUserInput = Static<typeof CreateUserInput>

export const User = Type.Object(
  {
    user_id: UserId,
    handle: Type.String({ description: 'Public name, unique whatever its case', examples: ['ada'] }),
    name: Type.String({ description: 'Name shown beside posts', examples: ['Ada Lovelace'] }),
    created_at: Timestamp('When the user was created'),
  },
  { title: 'User', description: 'A user' },
)
export type User = Static<typeof User>

export const Relations = Type.Object(
  {
    follows: Type.Boolean({ description: 'The user follows the other' }),
    followed_by: Type.Boolean({ description: 'The other follows the user' }),
    blocks: Type.Boolean({ description: 'The user blocks the other' }),
    blocked_by: Type.Boolean({ description: 'The other blocks the user' }),
    mutes: Type.Boolean({ description: 'The user has muted the other' }),
  },
  { title: 'Relations', description: 'How a user stands to another' },
)
export type Relations = Static<typeof Relations>

/** One of a list of people, and since when. */
const personSince = (title: string, since: string, description: string) =>
  Type.Object(
    {
      user_id: UserId,
      handle: Type.String({ description: 'Public name', examples: ['ada'] }),
      name: Type.String({ description: 'Name shown beside posts', examples: ['Ada Lovelace'] }),
      since: Timestamp(since),
    },
    { title, description },
  )

export const FollowEntry = personSince(
  'FollowEntry',
  'When the follow began',
  'One user in a list of follows or followers',
)
export type FollowEntry = Static<typeof FollowEntry>

export const SuggestionList = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          user_id: UserId,
          handle: Type.String({ description: 'Public name', examples: ['ada'] }),
          name: Type.String({ description: 'Name shown beside posts', examples: ['Ada Lovelace'] }),
          through: Type.Integer({
            minimum: 1,
            description: 'How many of those whom the user follows follow this one, as far as was looked',
          }),
        },
        { title: 'Suggestion', description: 'Somebody whom a user might want to follow' },
      ),
    ),
  },
  { title: 'SuggestionList', description: 'People whom a user might want to follow, the best first' },
)
export type SuggestionList = Static<typeof SuggestionList>

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
  { title: 'MediaItem', additionalProperties: false, description: 'A picture, video or sound' },
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
  { title: 'PostContent', additionalProperties: false, minProperties: 1, description: 'Text, media, or both' },
)

const VisibilityField = Type.Enum([...VISIBILITIES], {
  description: 'Who may read it: everybody, or followers only',
  examples: ['public'],
})

export const PublishInput = Type.Object(
  {
    user_id: UserId,
    content: Type.Optional(
      Type.Object(Content.properties, {
        additionalProperties: false,
        minProperties: 1,
        description: 'Text, media, or both; required unless repost_of is given',
      }),
    ),
    repost_of: Type.Optional(
      bigId('A public post to pass on: as a repost without content, which a user does once, else as a quote'),
    ),
    visibility: Type.Optional(VisibilityField),
  },
  { title: 'PublishPost', additionalProperties: false, description: 'A new post' },
)
export type PublishInput = Static<typeof PublishInput>

export const EditPostInput = Type.Object(
  { content: Content },
  { title: 'EditPost', additionalProperties: false, description: 'What the post shall say from now on; all of it' },
)
export type EditPostInput = Static<typeof EditPostInput>

const postFields = {
  post_id: PostId,
  user_id: UserId,
  content: Type.Object(Content.properties, { description: 'Text, media, or both; empty in a repost' }),
  visibility: VisibilityField,
  timestamp: Timestamp('When it was published'),
  version: Type.Integer({ minimum: 1, description: '1 at first, one more with each edit; the ETag is made of it' }),
  edited_at: Type.Optional(Timestamp('When it was last edited; absent when never')),
  mentions: Type.Optional(
    Type.Array(UserId, { description: 'Users whose @handle stood in the text when it was written; absent when none' }),
  ),
  hashtags: Type.Optional(
    Type.Array(Type.String(), { description: 'Hashtags of the text, in lower case, without #; absent when none' }),
  ),
  repost_of: Type.Optional(bigId('The post that this one passes on')),
  like_count: Count('People who like it'),
  comment_count: Count('Comments on it'),
  repost_count: Count('Reposts and quotes of it'),
  liked: Type.Optional(Type.Boolean({ description: 'Does the viewer like it? Absent without a viewer' })),
}

export const Post = Type.Object(
  {
    ...postFields,
    reposted: Type.Optional(
      Type.Object(postFields, { description: 'The post repost_of names; absent when it is gone or not to be read' }),
    ),
  },
  { title: 'Post', description: 'A post' },
)
export type Post = Static<typeof Post>

export const PostVersion = Type.Object(
  {
    version: Type.Integer({ minimum: 1, description: 'Version of the post that said this' }),
    content: Content,
    timestamp: Timestamp('When it was written'),
    replaced_at: Timestamp('When an edit replaced it'),
  },
  { title: 'PostVersion', description: 'What a post said before it was edited' },
)
export type PostVersion = Static<typeof PostVersion>

export const Liker = personSince('Liker', 'When the like was given', 'One who likes a post')
export type Liker = Static<typeof Liker>

// --------------------------------------------------------------------------------------------------------- fan-out

export const FANOUT_LANES = ['small', 'bulk'] as const
export const FANOUT_STATES = ['pending', 'running', 'done'] as const

const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

export const Fanout = Type.Object(
  {
    post_id: PostId,
    mode: Type.Enum([...DELIVERY_MODES], {
      description: 'push: written to the timelines of the followers. pull: merged in when timelines are read',
    }),
    lane: orNull(
      Type.Enum([...FANOUT_LANES], {
        description: 'Lane of the queue on which its chunks go out first; null before they are planned, and for pull',
      }),
    ),
    state: Type.Enum([...FANOUT_STATES], {
      description: 'A fan-out to few followers goes from pending to done in one piece',
    }),
    scanned: Count('Followers looked at: delivered + inactive + duplicate'),
    delivered: Count('Timelines that got it'),
    inactive: Count(
      'Followers without a timeline, as they did not read for long; theirs are built when they come back',
    ),
    duplicate: Count('Timelines that had it already'),
    chunks_done: Count('Chunks of followers that are done'),
    chunks_planned: orNull(Count('Chunks there are; null until the last one is planned')),
    published_at: Timestamp('When it was published'),
    done_at: orNull(Timestamp('When the last follower was served')),
    staleness_ms: orNull(Count('From publishing to the last delivery, in milliseconds')),
  },
  { title: 'Fanout', description: 'How far a post is on its way to the followers of its author' },
)
export type Fanout = Static<typeof Fanout>

// -------------------------------------------------------------------------------------------------------- comments

export const CreateCommentInput = Type.Object(
  { user_id: UserId, text: visible(LIMITS.commentTextCharsMax, 'Text of the comment', 'How does it carry the tens?') },
  { title: 'CreateComment', additionalProperties: false, description: 'A new comment' },
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
  { title: 'Comment', description: 'A comment' },
)
export type Comment = Static<typeof Comment>

// --------------------------------------------------------------------------------------------------- notifications

export const NOTIFICATION_KINDS = ['follow', 'like', 'comment', 'mention', 'repost'] as const

export const Notification = Type.Object(
  {
    kind: Type.Enum([...NOTIFICATION_KINDS], { description: 'What was done', examples: ['like'] }),
    post_id: Type.Optional(bigId('The post it was done to, or that mentions the user; absent for follows')),
    count: Type.Integer({
      minimum: 1,
      description:
        'How many of that UTC day, those not named included: people who like the post or follow, comments, reposts ' +
        `with quotes; followers are counted up to ${LIMITS.noticeFollowersMax}`,
    }),
    actors: Type.Array(UserId, {
      description: `Who did it: the newest, at most ${LIMITS.noticeActorsMax}, without users muted or blocked`,
    }),
    latest_at: Timestamp('When it was last done'),
    unread: Type.Boolean({ description: 'Was something added after what the user has seen?' }),
  },
  { title: 'Notification', description: 'What others did to one post, or follows, on one UTC day; or one mention' },
)
export type Notification = Static<typeof Notification>

export const SeenInput = Type.Object(
  {
    up_to: Type.String({
      format: 'date-time',
      description: 'Everything up to this moment has been seen, with offset; the latest_at of the newest shown',
      examples: ['2026-01-31T12:00:00.000Z'],
      errorMessage: 'must be an RFC 3339 date-time with offset',
    }),
  },
  { additionalProperties: false, description: 'How far the notifications have been seen' },
)
export type SeenInput = Static<typeof SeenInput>

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
export const PostVersionPage = pageSchema(PostVersion, 'Earlier versions, newest first')
export const CommentPage = pageSchema(Comment, 'Comments, oldest first')
export const UserPage = pageSchema(User, 'Users, by handle')
export const FollowPage = pageSchema(FollowEntry, 'Users, by id')
export const LikerPage = pageSchema(Liker, 'Who likes a post, newest first')
export const NotificationPage = Type.Object(
  {
    ...pageSchema(Notification, '').properties,
    unread_count: Type.Integer({
      minimum: 0,
      maximum: LIMITS.unreadCountMax,
      description: `Unread notifications, counted up to ${LIMITS.unreadCountMax}`,
    }),
  },
  { title: 'NotificationPage', description: 'Notifications, newest first' },
)
export type NotificationPage = Static<typeof NotificationPage>
