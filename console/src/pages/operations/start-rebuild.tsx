import type { Job } from 'fanfold/client'
import { useState } from 'react'
import { useSession } from '../../data/session.tsx'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { Field } from '../../ui/field.tsx'
import { Async } from '../../ui/states.tsx'
import { Confirm } from './confirm.tsx'
import { JOBS_KEY } from './use-jobs.ts'
import { STATE_KEY, useSystemState } from './use-state.ts'

const TIMELINES = 'timelines'
/** What only carries events on to somebody has nothing to rebuild. */
const isReadModel = (projection: string) => !/^(webhooks|flow)_/.test(projection)

export function StartRebuild({ jobs }: { readonly jobs: readonly Job[] }) {
  const { client } = useSession()
  const system = useSystemState()
  const [target, setTarget] = useState(TIMELINES)
  const [isAsked, setAsked] = useState(false)
  const isRunning = jobs.some((job) => job.state === 'running' && job.target === target)
  return (
    <Card title="Rebuild">
      <p className="soft">
        Makes a read model anew from its log beside the live one, or timelines from follows and posts.
      </p>
      <Async of={system}>
        {({ projections }) => (
          <div className="filters">
            <Field label="What to rebuild">
              <select value={target} onChange={(event) => setTarget(event.target.value)}>
                {[TIMELINES, ...projections.map(({ name }) => name).filter(isReadModel)].map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </Field>
            <Button onClick={() => setAsked(true)} refusal={isRunning ? 'it is running' : undefined}>
              Rebuild
            </Button>
          </div>
        )}
      </Async>
      {isAsked ? (
        <Confirm
          title={`Rebuild ${target}`}
          submit={`Rebuild ${target}`}
          run={() => client.post('/v1/jobs', { body: { kind: 'rebuild', target } })}
          refresh={[JOBS_KEY, STATE_KEY]}
          done={`Rebuilding ${target}`}
          onClose={() => setAsked(false)}
        >
          <p>
            Readers notice nothing but a busier database.
            {target === TIMELINES ? '' : ' Once begun, the workers finish it: it can not be cancelled.'}
          </p>
        </Confirm>
      ) : null}
    </Card>
  )
}
