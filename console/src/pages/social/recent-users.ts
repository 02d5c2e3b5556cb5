const STORED = 'fanfold.recent-users'
const KEPT = 8

interface Recent {
  readonly keyId: string
  readonly userIds: readonly string[]
}

/** Users looked at in this tab with this key, the last one first. */
export function recentUsers(keyId: string): readonly string[] {
  const text = sessionStorage.getItem(STORED)
  if (text === null) return []
  const recent = JSON.parse(text) as Recent
  return recent.keyId === keyId ? recent.userIds : []
}

export function rememberUser(keyId: string, userId: string): void {
  const others = recentUsers(keyId).filter((one) => one !== userId)
  const recent: Recent = { keyId, userIds: [userId, ...others].slice(0, KEPT) }
  sessionStorage.setItem(STORED, JSON.stringify(recent))
}
