import Type from 'typebox'
import { UserId } from '../../social/schemas.ts'
import { pagedQuery } from '../route.ts'

/** What the routes of the social model share. */
export const tags = ['social']
const strict = { additionalProperties: false }

export const UserParams = Type.Object({ user_id: UserId })
// Whatever can't be an id names nothing: 404 rather than 400.
export const PostParams = Type.Object({ post_id: Type.String({ maxLength: 100, description: 'The post' }) })

export const Page = pagedQuery()
export const viewer = Type.Optional(
  Type.String({
    ...UserId,
    description: 'Answer as this user may see it; without it nothing is hidden',
  }),
)
export const Viewer = Type.Object({ viewer }, strict)
export const PageAndViewer = pagedQuery({ viewer })
