export interface StoredUser {
  readonly userId: string
  readonly handle: string
  readonly name: string
  readonly createdAt: Date
}

/** The caller's Idempotency-Key, kept in the row of what it made, so that it goes when that goes. */
export interface RowKey {
  readonly key: string
  readonly fingerprint: Uint8Array
}

export interface NewUser extends StoredUser {
  /** `scope` is who calls (the API key). */
  readonly idempotency?: (RowKey & { readonly scope: string }) | undefined
}

export type UserInsert =
  | { readonly kind: 'created' }
  /** The same key made this user before. */
  | { readonly kind: 'repeated'; readonly user: StoredUser; readonly fingerprint: Uint8Array }
  | { readonly kind: 'taken'; readonly field: 'user_id' | 'handle' }

export interface UserStore {
  /** Atomic. Ids, handles (whatever their case) and (scope, key) are unique. */
  insert(user: NewUser): Promise<UserInsert>
  /** Adds those whose id and handle are both free and skips the others; answers the ids added. For imports. */
  insertMany(users: readonly StoredUser[]): Promise<string[]>
  /** The users that exist, in no particular order. Users being erased don't. */
  find(userIds: readonly string[]): Promise<StoredUser[]>
  /** The users that have one of these handles, given in lower case; in no particular order. */
  findByHandles(handles: readonly string[]): Promise<StoredUser[]>
  /** Users whose handle, in lower case, begins with `prefix` and lies above `after`, in the order of these handles. */
  list(prefix: string, after: string | undefined, limit: number): Promise<StoredUser[]>
  /** Up to when a user has seen the notifications; `undefined` when never. */
  notificationsSeenAt(userId: string): Promise<Date | undefined>
  /** Raises that moment, never lowers it. */
  seeNotifications(userId: string, upTo: Date): Promise<void>
  /** Ids above `after` in key order. */
  ids(after: string | undefined, limit: number): Promise<string[]>
  /**
   * From here on the user does not exist, the name and the handle are forgotten; only the id stays taken until
   * {@link UserStore.remove}. False when there is no such user.
   */
  markErasing(userId: string, at: Date): Promise<boolean>
  /** Ids of users marked before a moment, oldest first. */
  erasing(before: Date, limit: number): Promise<string[]>
  /** Forgets a marked user altogether. */
  remove(userId: string): Promise<void>
}
