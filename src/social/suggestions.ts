import { pageLimit } from '../core/cursor.ts'
import type { SocialDeps } from './deps.ts'
import { userIdOf } from './documents.ts'
import type { SuggestionList } from './schemas.ts'
import type { Users } from './users.ts'

export interface SuggestionsRequest {
  readonly limit?: number | undefined
}

export function createSuggestions({ users: store, follows }: SocialDeps, users: Users) {
  return {
    async list(userId: string, request: SuggestionsRequest = {}): Promise<SuggestionList> {
      const limit = pageLimit(request.limit)
      await users.require(userIdOf(userId))
      const suggested = await follows.suggestions(userId, limit)
      const found = new Map((await store.find(suggested.map((each) => each.userId))).map((user) => [user.userId, user]))
      const items = suggested.flatMap(({ userId: id, through }) => {
        const user = found.get(id)
        return user === undefined ? [] : [{ user_id: id, handle: user.handle, name: user.name, through }]
      })
      return { items }
    },
  }
}
