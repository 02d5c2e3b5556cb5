/** The methods of a store as they are, to be spread. */
export function bindAll<Store extends object>(store: Store): Store {
  return Object.fromEntries(
    Object.entries(store).map(([name, method]) => [
      name,
      (...args: unknown[]) => (method as (...args: unknown[]) => unknown).apply(store, args),
    ]),
  ) as Store
}
