import Type, { type Static } from 'typebox'
import { LIMITS } from '../../core/limits.ts'
import { problems, type Routes } from '../route.ts'

export const JOB_KINDS = ['verify', 'rebuild'] as const
export const JOB_MODELS = ['social', 'orders', 'payments', 'all'] as const
export const JOB_STATES = ['running', 'done', 'failed'] as const

const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const moment = (description: string) => Type.String({ format: 'date-time', description })
const kind = Type.Enum([...JOB_KINDS], {
  description: 'verify: compare a model with its sources. rebuild: make a read model, or all timelines, anew',
})
const model = Type.Enum([...JOB_MODELS], { description: 'What is verified', examples: ['orders'] })
const target = Type.String({
  minLength: 1,
  maxLength: 100,
  description: 'What is rebuilt: `timelines`, or the name of a projection in `/v1/system`',
  examples: ['daily_sales_report'],
})

export const StartJob = Type.Object(
  { kind, model: Type.Optional(model), target: Type.Optional(target) },
  {
    title: 'StartJob',
    additionalProperties: false,
    description: 'Work in the background: `model` belongs to verify, `target` to rebuild',
    examples: [{ kind: 'verify', model: 'all' }],
  },
)
export type StartJob = Static<typeof StartJob>

export const JobDocument = Type.Object(
  {
    job_id: Type.String({ examples: ['job_3fT0q2mZ8xY1'] }),
    kind,
    model: Type.Optional(model),
    target: Type.Optional(target),
    state: Type.Enum([...JOB_STATES], { description: 'A verification that finds differences is done, too' }),
    progress: Type.Object({
      done: Type.Integer(),
      total: orNull(Type.Integer({ description: 'null when it is not known' })),
      what: Type.String({ description: 'What is counted', examples: ['timelines'] }),
    }),
    cancellable: Type.Boolean({ description: 'Whether it can be cancelled now' }),
    started_at: moment('When it began'),
    ended_at: orNull(moment('When it ended')),
    result: orNull(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'verify: what `fanfold verify --json` prints, by model, each with `ok`; of each list of differences the first ' +
          `${LIMITS.jobFindingsMax}. rebuild: how much was built`,
      }),
    ),
    error: orNull(Type.Object({ code: Type.String(), message: Type.String() })),
  },
  { title: 'Job', description: 'Work in the background of one process, which remembers it until it ends' },
)
export type JobDocument = Static<typeof JobDocument>

const JobParams = Type.Object({ job_id: Type.String({ maxLength: 100, description: 'The job' }) })

export interface JobSource {
  /** Throws `invalid_input`, `job_running`, `overloaded`, `shutting_down`. */
  start(input: StartJob): JobDocument
  /** Newest first. */
  list(): JobDocument[]
  /** Throws `job_not_found`. */
  get(jobId: string): JobDocument
  /** Throws `job_not_found`, `job_ended`, `job_not_cancellable`. */
  cancel(jobId: string): JobDocument
}

/** Verifications and rebuilds in the background. */
export function jobRoutes(jobs: JobSource): Routes {
  return (app) => {
    app.post(
      '/v1/jobs',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'startJob',
          summary: 'Verify or rebuild in the background',
          description:
            `A process runs ${LIMITS.jobsRunningMax} jobs at a time (\`overloaded\` beyond that), the same one once ` +
            '(`job_running`). Jobs are kept in memory: only the process that runs one knows it, and forgets it when it stops.',
          tags: ['system'],
          body: StartJob,
          response: { 202: JobDocument, ...problems },
        },
      },
      async ({ body }, reply) => reply.code(202).send(jobs.start(body)),
    )
    app.get(
      '/v1/jobs',
      {
        config: { scope: 'admin:read' },
        schema: {
          operationId: 'listJobs',
          summary: 'List jobs of this process, newest first',
          description: `The newest ${LIMITS.jobsKept}.`,
          tags: ['system'],
          response: { 200: Type.Object({ items: Type.Array(JobDocument) }), ...problems },
        },
      },
      async () => ({ items: jobs.list() }),
    )
    app.get(
      '/v1/jobs/:job_id',
      {
        config: { scope: 'admin:read' },
        schema: {
          operationId: 'getJob',
          summary: 'Read a job',
          tags: ['system'],
          params: JobParams,
          response: { 200: JobDocument, ...problems },
        },
      },
      async ({ params }) => jobs.get(params.job_id),
    )
    app.post(
      '/v1/jobs/:job_id/cancel',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'cancelJob',
          summary: 'Cancel a job',
          description:
            'It ends, as failed with `job_cancelled`, at its next step. Rebuilds of projections can not be cancelled: once ' +
            'begun, the workers finish them.',
          tags: ['system'],
          params: JobParams,
          response: { 202: JobDocument, ...problems },
        },
      },
      async ({ params }, reply) => reply.code(202).send(jobs.cancel(params.job_id)),
    )
  }
}
