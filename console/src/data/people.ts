import { useQuery } from '@tanstack/react-query'
import type { FanfoldClient, User } from 'fanfold/client'
import { LIMITS } from '../../../src/core/limits.ts'
import { useSession } from './session.tsx'

/** Long enough for a page of posts to be drawn; what it asks for goes into one request. */
const GATHER_MS = 10
const KNOWN_MS = 5 * 60_000

interface Asked {
  readonly userId: string
  resolve(user: User | null): void
  reject(error: unknown): void
}

const waiting = new WeakMap<FanfoldClient, Asked[]>()

async function askAll(client: FanfoldClient, asked: readonly Asked[]): Promise<void> {
  const ids = [...new Set(asked.map(({ userId }) => userId))]
  try {
    const found = new Map<string, User>()
    for (let from = 0; from < ids.length; from += LIMITS.pageItemsMax) {
      const query = { user_ids: ids.slice(from, from + LIMITS.pageItemsMax).join() }
      const { items } = await client.get('/v1/users', { params: { query } })
      for (const user of items) found.set(user.user_id, user)
    }
    for (const { userId, resolve } of asked) resolve(found.get(userId) ?? null)
  } catch (error) {
    for (const { reject } of asked) reject(error)
  }
}

function ask(client: FanfoldClient, userId: string): Promise<User | null> {
  return new Promise((resolve, reject) => {
    const asked = waiting.get(client) ?? []
    asked.push({ userId, resolve, reject })
    if (asked.length > 1) return
    waiting.set(client, asked)
    setTimeout(() => {
      waiting.delete(client)
      void askAll(client, asked)
    }, GATHER_MS)
  })
}

/** A user whose id a page has; `undefined` until he is known, and when he is gone. */
export function usePerson(userId: string): User | undefined {
  const { client } = useSession()
  const { data } = useQuery({
    queryKey: ['people', userId],
    queryFn: () => ask(client, userId),
    staleTime: KNOWN_MS,
  })
  return data ?? undefined
}
