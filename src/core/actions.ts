import Type from 'typebox'
import { isAppError } from './errors.ts'

/** What may be done with something now. */
export interface Action<Name extends string = string> {
  readonly action: Name
  readonly allowed: boolean
  /** Why it is refused. With `allowed`: why it can't be done as a whole, although a part of it can. */
  readonly code?: string
  readonly reason?: string
}

/**
 * Tries the rules of a command: each attempt decides it and throws an `AppError` where it is refused. The first is the
 * command without further words, the others narrower forms of it. What is no `AppError` is thrown on.
 */
export function tryAction<Name extends string>(action: Name, ...attempts: readonly (() => unknown)[]): Action<Name> {
  let refusal: Pick<Action, 'code' | 'reason'> = {}
  for (const [index, attempt] of attempts.entries()) {
    try {
      attempt()
      return { action, allowed: true, ...refusal }
    } catch (error) {
      if (!isAppError(error)) throw error
      if (index === 0) refusal = { code: error.code, reason: error.message }
    }
  }
  return { action, allowed: false, ...refusal }
}

export const actionsSchema = <Name extends string>(title: string, names: readonly Name[]) =>
  Type.Array(
    Type.Object(
      {
        action: Type.Enum([...names]),
        allowed: Type.Boolean({ description: 'Whether it, or a part of it, would be done now' }),
        code: Type.Optional(
          Type.String({
            description: 'The error that it would be refused with; with allowed: as a whole, but not in part',
            examples: ['illegal_transition'],
          }),
        ),
        reason: Type.Optional(Type.String({ description: 'The same in words' })),
      },
      { title, description: 'What the rules say to a command' },
    ),
    { description: 'What may be done now, and why not; only where one is read as it is now' },
  )
