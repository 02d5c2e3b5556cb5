/** What a key may do. `social` includes `social:read`; `admin` includes everything. */
export const SCOPES = [
  'admin',
  'admin:read',
  'social',
  'social:read',
  'orders',
  'orders:read',
  'payments',
  'payments:read',
  'reports',
  'reports:read',
] as const
export type Scope = (typeof SCOPES)[number]

/** True when a key with `granted` may do what asks for `wanted`. */
export function allows(granted: readonly Scope[], wanted: Scope): boolean {
  const [area] = wanted.split(':') as [Scope]
  return granted.includes('admin') || granted.includes(wanted) || granted.includes(area)
}
