import type { Post } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { fieldError, useCommand } from '../../data/use-command.ts'
import { useIdempotencyKeys } from '../../data/use-idempotency-keys.ts'
import { Button } from '../../ui/button.tsx'
import { Field } from '../../ui/field.tsx'
import { Failure } from '../../ui/states.tsx'
import { ContentFields, contentOf, EMPTY_DRAFT } from './content-fields.tsx'

interface ComposeProps {
  readonly userId: string
  /** The post that is quoted. */
  readonly quoted?: string
  onPublished(post: Post): void
}

/** Publishes a post as this user; what was typed stays until it is published. */
export function Compose({ userId, quoted, onPublished }: ComposeProps) {
  const { client } = useSession()
  const [draft, setDraft] = useState(EMPTY_DRAFT)
  const [visibility, setVisibility] = useState<Post['visibility']>('public')
  const { keyFor, forget } = useIdempotencyKeys()
  const publish = useCommand(
    () => {
      const own = { user_id: userId, content: contentOf(draft), visibility }
      const body = quoted === undefined ? own : { ...own, repost_of: quoted }
      return client.post('/v1/posts', { body, idempotencyKey: keyFor(body) })
    },
    {
      isQuiet: true,
      done: 'Published',
      onDone: (post) => {
        forget()
        setDraft(EMPTY_DRAFT)
        onPublished(post)
      },
    },
  )
  const { error } = publish
  const isFieldError = fieldError(error, '/content') !== undefined
  return (
    <form
      className="form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        publish.mutate()
      }}
    >
      <ContentFields label={`What ${userId} says`} draft={draft} error={error} onChange={setDraft} />
      <div className="filters">
        <Field label="Visibility" error={fieldError(error, '/visibility')}>
          <select value={visibility} onChange={(event) => setVisibility(event.target.value as Post['visibility'])}>
            <option value="public">public</option>
            <option value="followers">followers</option>
          </select>
        </Field>
        <Button type="submit" kind="primary" busy={publish.isPending}>
          Publish
        </Button>
      </div>
      {error === null || isFieldError ? null : <Failure error={error} />}
    </form>
  )
}
