import type { Lane } from '../../queue/port.ts'
import type { FanoutState, StoredPost } from '../ports.ts'
import type { Fanout } from '../schemas.ts'

/** What a ledger says of a post; which lane a plan takes is told by `laneOf`, as the ledger does not keep it. */
export function toFanoutDocument(
  post: Pick<StoredPost, 'postId' | 'timestamp'>,
  state: FanoutState,
  laneOf: (chunks: number, planned: boolean) => Lane,
): Fanout {
  const { mode, plannedChunks, planned, doneAt } = state
  return {
    post_id: post.postId.toString(),
    mode,
    lane: mode === 'pull' || plannedChunks === 0 ? null : laneOf(plannedChunks, planned),
    state: doneAt !== undefined ? 'done' : plannedChunks > 0 ? 'running' : 'pending',
    scanned: state.followersScanned,
    delivered: state.delivered,
    inactive: state.inactive,
    duplicate: state.duplicate,
    chunks_done: state.doneChunks,
    chunks_planned: planned ? plannedChunks : null,
    published_at: post.timestamp.toISOString(),
    done_at: doneAt?.toISOString() ?? null,
    staleness_ms: doneAt === undefined ? null : Math.max(0, doneAt.getTime() - post.timestamp.getTime()),
  }
}
