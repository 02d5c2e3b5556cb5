import { useQuery } from '@tanstack/react-query'
import type { AnswerOf } from 'fanfold/client'
import { useState } from 'react'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'
import { Confirm } from './confirm.tsx'
import { NewKey } from './new-key.tsx'

export const KEYS_KEY = ['keys'] as const
type Key = AnswerOf<'/v1/keys', 'get'>['items'][number]

/** Those in force first, each newest first. */
const inOrder = (a: Key, b: Key) =>
  Number(a.revoked_at !== null) - Number(b.revoked_at !== null) || b.created_at.localeCompare(a.created_at)

/** Who may ask the API, and for what. */
export function Keys() {
  const { client, can, key: own } = useSession()
  const [isNew, setNew] = useState(false)
  const [asked, setAsked] = useState<Key>()
  const keys = useQuery({
    queryKey: KEYS_KEY,
    queryFn: async ({ signal }) => (await client.get('/v1/keys', { signal })).items.sort(inOrder),
    refetchInterval: SLOW_MS,
  })
  const columns: readonly Column<Key>[] = [
    {
      header: 'Name',
      cell: ({ name, key_id }) => (
        <span className="row">
          <strong>{name}</strong>
          {key_id === own.key_id ? <Badge tone="info">this key</Badge> : null}
        </span>
      ),
    },
    { header: 'Key', cell: ({ key_id }) => <code>{key_id}</code> },
    { header: 'Scopes', cell: ({ scopes }) => <code>{scopes.join(' ')}</code> },
    { header: 'Created', cell: ({ created_at }) => <Time at={created_at} /> },
    {
      header: 'State',
      cell: ({ revoked_at }) =>
        revoked_at === null ? (
          <Badge tone="ok">in force</Badge>
        ) : (
          <>
            <Badge>revoked</Badge> <Time at={revoked_at} />
          </>
        ),
    },
    ...(can('admin')
      ? [
          {
            header: 'Action',
            cell: (key: Key) => (
              <Button
                kind="danger"
                aria-label={`Revoke ${key.name}`}
                onClick={() => setAsked(key)}
                refusal={key.revoked_at === null ? undefined : 'it is revoked already'}
              >
                Revoke
              </Button>
            ),
          },
        ]
      : []),
  ]
  return (
    <Card
      title="API keys"
      actions={can('admin') ? <Button onClick={() => setNew(true)}>New key</Button> : undefined}
      bare
    >
      <Async of={keys}>
        {(rows) => (
          <Table
            label="API keys"
            columns={columns}
            rows={rows}
            keyOf={({ key_id }) => key_id}
            empty={
              <Empty title="No keys are kept">
                <p>Only the one of the setting FANFOLD_API_KEY is in force.</p>
              </Empty>
            }
          />
        )}
      </Async>
      {isNew ? <NewKey onClose={() => setNew(false)} /> : null}
      {asked === undefined ? null : (
        <Confirm
          title={`Revoke the key ${asked.name}`}
          submit="Revoke key"
          run={() => client.delete('/v1/keys/{key_id}', { params: { path: { key_id: asked.key_id } } })}
          refresh={[KEYS_KEY]}
          done={`The key ${asked.name} is revoked`}
          onClose={() => setAsked(undefined)}
        >
          <p>
            Whoever uses it is refused within a second. It can't be put in force again.
            {asked.key_id === own.key_id ? ' You are signed in with this key: you will be signed out.' : ''}
          </p>
        </Confirm>
      )}
    </Card>
  )
}
