/** Values of both that differ, in words. */
export function differing(
  what: string,
  actual: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
): string[] {
  return Object.keys(expected).flatMap((name) => {
    const [a, b] = [actual[name], expected[name]]
    return String(a) === String(b) ? [] : [`${what}: ${name} is ${String(a)}, its events say ${String(b)}`]
  })
}

/** What is in only one of two lists, each of rows put into words; the order does not matter. */
export function listDifferences(what: string, actual: readonly string[], expected: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const row of expected) left.set(row, (left.get(row) ?? 0) + 1)
  const problems: string[] = []
  for (const row of actual) {
    const count = left.get(row) ?? 0
    if (count === 0) problems.push(`${what}: (${row}) is there, and no event says so`)
    else left.set(row, count - 1)
  }
  for (const [row, count] of left) if (count > 0) problems.push(`${what}: (${row}) is missing`)
  return problems
}
