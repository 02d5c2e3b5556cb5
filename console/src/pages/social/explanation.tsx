import { useQuery } from '@tanstack/react-query'
import type { ExplainStep, TimelineExplanation } from 'fanfold/client'
import { Link } from 'wouter'
import { usePerson } from '../../data/people.ts'
import { LIVE_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { Badge } from '../../ui/badge.tsx'
import { formatTime } from '../../ui/format.ts'
import { Async } from '../../ui/states.tsx'
import { userAddress } from './addresses.ts'
import { UserPicker } from './user-picker.tsx'

interface ExplanationProps {
  readonly postId: string
  readonly userId: string | undefined
  onPick(userId: string): void
}

/** Why a post is or is not in the home timeline of a user. */
export function Explanation({ postId, userId, onPick }: ExplanationProps) {
  return (
    <>
      <UserPicker key={userId} label="In the home timeline of" button="Explain" value={userId} onPick={onPick} />
      {userId === undefined ? null : <Answer postId={postId} userId={userId} />}
    </>
  )
}

function Answer({ postId, userId }: { readonly postId: string; readonly userId: string }) {
  const { client, settings } = useSession()
  const name = usePerson(userId)?.name ?? userId
  const explanation = useQuery({
    queryKey: ['social', 'explanation', userId, postId],
    queryFn: ({ signal }) => {
      const params = { path: { user_id: userId, post_id: postId } }
      return client.get('/v1/users/{user_id}/timeline/explain/{post_id}', { params, signal })
    },
    // On its way: the answer changes by itself.
    refetchInterval: ({ state: { data } }) => (data?.due === true && !data.shown ? LIVE_MS : false),
  })
  return (
    <Async of={explanation}>
      {(found) => (
        <div className="stack" aria-live="polite">
          <Verdict of={found} name={name} />
          <ol className="reasons" aria-label="What was looked at">
            {inOrder(found).map(({ check, ok, detail }) => (
              <li key={check}>
                <Badge tone={ok ? 'ok' : 'bad'}>{ok ? 'passes' : 'stops here'}</Badge>
                <span>
                  {sentence(detail, name, settings.store_time_zone)} <span className="soft small mono">{check}</span>
                </span>
              </li>
            ))}
          </ol>
          <p className="small">
            <Link href={userAddress(userId)}>Home timeline of {name}</Link>
          </p>
        </div>
      )}
    </Async>
  )
}

/** The step that decides comes first. */
function inOrder({ shown, due, steps }: TimelineExplanation): readonly ExplainStep[] {
  const decisive = shown && due ? steps.find(({ check }) => check === 'relation') : steps.find(({ ok }) => !ok)
  return decisive === undefined ? steps : [decisive, ...steps.filter((step) => step !== decisive)]
}

function Verdict({ of: { shown, due }, name }: { readonly of: TimelineExplanation; readonly name: string }) {
  if (shown && due)
    return (
      <p>
        <strong>{name} sees this post.</strong>
      </p>
    )
  if (!shown && !due)
    return (
      <p>
        <strong>{name} does not see this post, and is not meant to.</strong>
      </p>
    )
  return (
    <div className="notice" data-tone="warn">
      <strong>
        {shown
          ? `${name} sees this post, but is not meant to.`
          : `${name} is meant to see this post, but does not yet.`}
      </strong>
      <span>
        {shown
          ? 'It should be gone at the next read; if it is not, rebuild the timeline.'
          : 'If its fan-out is done below, or another repost shows the same, this stays; else it is on its way.'}
      </span>
    </div>
  )
}

const ISO_TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g

/** The server says it of “the user” and of “it”, in UTC; here people read names, and times of the store. */
function sentence(detail: string, name: string, timeZone: string): string {
  const told = detail
    .replace(/^it is the user’s own/, 'it was written by the user')
    .replace(/^published/, 'it was published')
    .replace(/^it /, 'The post ')
    .replace(ISO_TIME, (at) => formatTime(at, timeZone, true))
  const whole = told.startsWith('the user') ? told : told.charAt(0).toUpperCase() + told.slice(1)
  return `${whole.replaceAll('the user', () => name)}${/[.!?]$/.test(whole) ? '' : '.'}`
}
