/** All that one user set towards another. What is absent is not so. */
export interface StoredRelation {
  readonly otherId: string
  readonly follows?: { readonly since: Date; readonly pending: boolean } | undefined
  /** As in {@link Relation.keptUntil}. */
  readonly keptUntil?: Date | undefined
  readonly blockedAt?: Date | undefined
  readonly mutedAt?: Date | undefined
}

/** Relations as they are stored, to copy them to another engine. */
export interface FollowCopies {
  /** What a user set towards others, in key order of the others, above `after`. */
  outgoing(userId: string, after: string | undefined, limit: number): Promise<StoredRelation[]>
  /** The same towards these others only; nothing for those to whom there is nothing. */
  outgoingTo(userId: string, otherIds: readonly string[]): Promise<StoredRelation[]>
  /** Makes each of these exactly as it is given, whatever was there; one without any part is removed. Each pair once. */
  restore(userId: string, relations: readonly StoredRelation[]): Promise<void>
}
