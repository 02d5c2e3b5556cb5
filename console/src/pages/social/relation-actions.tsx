import type { Relations } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Failure } from '../../ui/states.tsx'
import { useRelationsChanged } from './use-relations-changed.ts'

interface RelationActionsProps {
  readonly userId: string
  readonly otherId: string
  readonly relations: Relations
}

const FOLLOWS = '/v1/users/{user_id}/follows/{followee_id}'
const MUTES = '/v1/users/{user_id}/mutes/{other_id}'
const BLOCKS = '/v1/users/{user_id}/blocks/{other_id}'

/** Follow, mute and block, and back. What takes something away asks first. */
export function RelationActions({ userId, otherId, relations }: RelationActionsProps) {
  const { client } = useSession()
  const changed = useRelationsChanged(userId)
  const [asking, setAsking] = useState<'unfollow' | 'block'>()
  const [keepsHistory, setKeepsHistory] = useState(false)
  const close = () => setAsking(undefined)
  const run = useCommand((action: () => Promise<unknown>) => action(), {
    // A toast would be told behind the dialog, out of reach.
    isQuiet: asking !== undefined,
    onDone: () => {
      close()
      changed()
    },
  })
  function ask(what: 'unfollow' | 'block'): void {
    if (!run.isPending) run.reset()
    setAsking(what)
  }
  const { follows, mutes, blocks, blocked_by } = relations
  const path = { user_id: userId, other_id: otherId }
  const followPath = { user_id: userId, followee_id: otherId }
  const follow = () => client.put(FOLLOWS, { params: { path: followPath } })
  const unfollow = () => client.delete(FOLLOWS, { params: { path: followPath, query: { keep_history: keepsHistory } } })
  const mute = () => client.put(MUTES, { params: { path } })
  const unmute = () => client.delete(MUTES, { params: { path } })
  const block = () => client.put(BLOCKS, { params: { path } })
  const unblock = () => client.delete(BLOCKS, { params: { path } })
  const refusal = blocks ? `${userId} blocks ${otherId}` : blocked_by ? `${otherId} blocks ${userId}` : undefined
  return (
    <>
      <div className="row">
        <Button
          kind={follows ? undefined : 'primary'}
          refusal={follows ? undefined : refusal}
          busy={run.isPending}
          onClick={() => (follows ? ask('unfollow') : run.mutate(follow))}
        >
          {follows ? 'Unfollow' : 'Follow'}
        </Button>
        <Button busy={run.isPending} onClick={() => run.mutate(mutes ? unmute : mute)}>
          {mutes ? 'Unmute' : 'Mute'}
        </Button>
        <Button kind={blocks ? undefined : 'danger'} onClick={() => (blocks ? run.mutate(unblock) : ask('block'))}>
          {blocks ? 'Unblock' : 'Block'}
        </Button>
      </div>
      {refusal === undefined || follows ? null : <p className="small soft">Not to be followed now: {refusal}.</p>}
      {asking === 'unfollow' ? (
        <Dialog title={`Unfollow ${otherId}?`} onClose={close}>
          <p>
            Posts of {otherId} leave the home timeline of {userId} at its next read.
          </p>
          <label className="check-row">
            <input type="checkbox" checked={keepsHistory} onChange={(event) => setKeepsHistory(event.target.checked)} />
            Keep what was public until now
          </label>
          {run.error === null ? null : <Failure error={run.error} />}
          <div className="row">
            <Button kind="danger" busy={run.isPending} onClick={() => run.mutate(unfollow)}>
              Unfollow {otherId}
            </Button>
            <Button onClick={close}>Cancel</Button>
          </div>
        </Dialog>
      ) : null}
      {asking === 'block' ? (
        <Dialog title={`Block ${otherId}?`} onClose={close}>
          <p>
            Neither sees posts of the other from the next read on, nor can follow the other anew. Follows there are
            stay, and count again after an unblock.
          </p>
          {run.error === null ? null : <Failure error={run.error} />}
          <div className="row">
            <Button kind="danger" busy={run.isPending} onClick={() => run.mutate(block)}>
              Block {otherId}
            </Button>
            <Button onClick={close}>Cancel</Button>
          </div>
        </Dialog>
      ) : null}
    </>
  )
}
