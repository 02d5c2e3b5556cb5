import type { SystemStatus } from 'fanfold/client'
import { useSession } from '../../data/session.tsx'
import { formatCount } from '../../ui/format.ts'
import { Confirm } from './confirm.tsx'
import { laneOf } from './lane-filters.tsx'
import { LETTERS_KEY, STATE_KEY } from './use-state.ts'

type RedriveProps = SystemStatus['queue'][number] & { onClose(): void }

const letters = (count: number) => `${formatCount(count)} dead ${count === 1 ? 'letter' : 'letters'}`

export function Redrive({ topic, lane, dead_letters, onClose }: RedriveProps) {
  const { client } = useSession()
  const known = laneOf(lane)
  const body = { topic, ...(known === undefined ? {} : { lane: known }) }
  return (
    <Confirm
      title={`Redrive ${topic}, lane ${lane}`}
      submit={`Redrive ${letters(dead_letters)}`}
      run={() => client.post('/v1/dead-letters/redrive', { body })}
      refresh={[STATE_KEY, LETTERS_KEY]}
      done={({ redriven }) => `${letters(redriven)} of ${topic} ${redriven === 1 ? 'is' : 'are'} back at work`}
      onClose={onClose}
    >
      <p>
        {letters(dead_letters)} of <code>{topic}</code> in the lane {lane} will be tried anew, as often as new messages.
        What is still broken ends here again: mend the cause first.
      </p>
    </Confirm>
  )
}
