import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useId, useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { Failure } from '../../ui/states.tsx'
import { findUser, isHandle } from './requests.ts'
import { useSettled } from './use-settled.ts'

const OFFERED = 8

interface UserPickerProps {
  readonly label: string
  readonly button: string
  readonly value?: string | undefined
  onPick(userId: string): void
}

/** Asks for a user by handle or id; handles are offered while somebody types. */
export function UserPicker({ label, button, value = '', onPick }: UserPickerProps) {
  const { client } = useSession()
  const listId = useId()
  const [text, setText] = useState(value)
  const prefix = useSettled(text.trim().replace(/^@/, ''))
  const offers = useQuery({
    queryKey: ['social', 'offers', prefix],
    queryFn: ({ signal }) => client.get('/v1/users', { params: { query: { q: prefix, limit: OFFERED } }, signal }),
    enabled: isHandle(prefix),
    placeholderData: keepPreviousData,
  })
  const pick = useCommand((name: string) => findUser(client, name), {
    isQuiet: true,
    onDone: (user) => {
      if (user !== undefined) onPick(user.user_id)
    },
  })
  const isMissing = pick.isSuccess && pick.data === undefined
  return (
    <form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault()
        pick.mutate(text)
      }}
    >
      <Field
        label={label}
        hint="Handle or id"
        error={isMissing ? `Nobody has the handle or id “${pick.variables}”` : undefined}
      >
        <input
          list={listId}
          autoComplete="off"
          spellCheck={false}
          required
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </Field>
      <datalist id={listId}>
        {offers.data?.items.map(({ user_id, handle, name }) => (
          <option key={user_id} value={handle}>
            {name}
          </option>
        ))}
      </datalist>
      <div className="picker-button">
        <Button type="submit" busy={pick.isPending}>
          {button}
        </Button>
      </div>
      {pick.error === null ? null : <Failure error={pick.error} />}
    </form>
  )
}
