import type { Job } from 'fanfold/client'
import { useSession } from '../../data/session.tsx'
import { useCommand } from '../../data/use-command.ts'
import { Button } from '../../ui/button.tsx'
import { Card } from '../../ui/card.tsx'
import { JOBS_KEY } from './use-jobs.ts'

const MODELS = ['social', 'orders', 'payments', 'all'] as const
type Model = (typeof MODELS)[number]

export function StartVerify({ jobs }: { readonly jobs: readonly Job[] }) {
  const { client } = useSession()
  const start = useCommand((model: Model) => client.post('/v1/jobs', { body: { kind: 'verify', model } }), {
    refresh: [JOBS_KEY],
    done: ({ model }) => `Verifying ${model}`,
  })
  const isRunning = (model: Model) => jobs.some((job) => job.state === 'running' && job.model === model)
  return (
    <Card title="Verify">
      <p className="soft">Compares each model with its sources, while work goes on, and names every difference.</p>
      <div className="row">
        {MODELS.map((model) => (
          <Button
            key={model}
            onClick={() => start.mutate(model)}
            busy={start.isPending && start.variables === model}
            refusal={isRunning(model) ? 'it is running' : undefined}
          >
            Verify {model}
          </Button>
        ))}
      </div>
    </Card>
  )
}
