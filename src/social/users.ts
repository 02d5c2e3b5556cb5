import { randomUUID } from 'node:crypto'
import { type CommandContext, idempotencyKeyOf, judgeKey } from '../core/command.ts'
import { decodeCursor, type Page, type PageRequest, pageLimit, pageOf } from '../core/cursor.ts'
import { AppError, invalidField } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import { createLookup } from '../core/lookup.ts'
import { validator } from '../core/schema.ts'
import type { SocialDeps } from './deps.ts'
import { toUserDocument, userIdOf, userNotFound } from './documents.ts'
import type { StoredUser } from './ports.ts'
import { CreateUserInput, type User } from './schemas.ts'

export interface UsersRequest extends PageRequest {
  /** Beginning of the handle, whatever its case. */
  readonly q?: string | undefined
}

const checkInput = validator(CreateUserInput)
const ERASE_ROWS = 2_000

export function createUsers({ users, follows, posts, timelines, clock }: SocialDeps) {
  const findUser = createLookup<string, StoredUser>(users.find, (user) => user.userId)

  /** The users, in the order asked for; throws `user_not_found` for the first that is not there. */
  async function require(...userIds: readonly string[]): Promise<StoredUser[]> {
    const found = await Promise.all(userIds.map(findUser))
    return found.map((user, index) => {
      if (user === undefined) throw userNotFound(userIds[index]!)
      return user
    })
  }

  async function create(input: CreateUserInput, context: CommandContext = {}): Promise<User> {
    const { user_id, handle, name } = checkInput(input)
    const key = idempotencyKeyOf(context, 'CreateUser', input)
    // Whole milliseconds, as the answer shows them.
    const user: StoredUser = { userId: user_id ?? randomUUID(), handle, name, createdAt: new Date(clock.now()) }
    const outcome = await users.insert({ ...user, idempotency: key })
    if (outcome.kind === 'created') return toUserDocument(user)
    if (outcome.kind === 'repeated') {
      const document = toUserDocument(outcome.user)
      judgeKey(
        key!,
        { ...outcome, response: { status: 201, body: document }, operationId: undefined, leaseUntilMs: undefined },
        clock.now(),
      )
      context.onReplay?.()
      return document
    }
    const value = outcome.field === 'handle' ? handle : user.userId
    throw new AppError('already_exists', `The ${outcome.field} "${value}" is taken`, {
      fields: [{ pointer: `/${outcome.field}`, detail: 'is taken' }],
    })
  }

  async function eraseAll(userId: string): Promise<void> {
    // Relations first: then no chunk of a fan-out finds the user among the followers any more.
    for (const store of [follows, posts]) {
      while ((await store.erase(userId, ERASE_ROWS)) > 0);
    }
    await timelines.drop([userId])
  }

  return {
    require,
    create,
    async get(userId: string): Promise<User> {
      const [user] = await require(userIdOf(userId))
      return toUserDocument(user!)
    },
    async list({ q = '', ...page }: UsersRequest = {}): Promise<Page<User>> {
      const limit = pageLimit(page.limit)
      const prefix = q.toLowerCase()
      const list = `users:${prefix}`
      const after = decodeCursor(list, 1, page.cursor)?.[0]
      const rows = await users.list(prefix, after, limit + 1)
      return pageOf(list, rows, limit, (user) => [user.handle.toLowerCase()], toUserDocument)
    },
    /** In the order asked for, without those that are not there. */
    async known(userIds: readonly string[]): Promise<User[]> {
      if (userIds.length > LIMITS.pageItemsMax)
        throw invalidField('query/user_ids', `must name at most ${LIMITS.pageItemsMax} users`)
      const found = await Promise.all(userIds.map((userId) => findUser(userIdOf(userId))))
      return found.flatMap((user) => (user === undefined ? [] : [toUserDocument(user)]))
    },
    async erase(userId: string): Promise<void> {
      const marked = await users.markErasing(userIdOf(userId), new Date(clock.now()))
      if (!marked) throw userNotFound(userId)
      await eraseAll(userId)
    },
    /** Erases once more what requests under way at the time may have left, and then the id itself. */
    async finishErasures(settledBefore: Date, limit: number): Promise<number> {
      const userIds = await users.erasing(settledBefore, limit)
      for (const userId of userIds) {
        await eraseAll(userId)
        await users.remove(userId)
      }
      return userIds.length
    },
  }
}

export type Users = ReturnType<typeof createUsers>
