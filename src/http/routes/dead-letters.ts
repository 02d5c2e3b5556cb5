import Type, { type Static } from 'typebox'
import { pageLimit } from '../../core/cursor.ts'
import { LIMITS } from '../../core/limits.ts'
import { PageLimit, problems, type Routes } from '../route.ts'

const LANES = ['small', 'bulk'] as const

const topic = Type.String({
  pattern: '^[A-Za-z0-9_.:-]{1,100}$',
  description: 'Topic of the queue',
  examples: ['social.fanout'],
  errorMessage: 'must be 1 to 100 characters of [A-Za-z0-9_.:-]',
})
const lane = Type.Enum([...LANES], { description: 'Lane of the queue', examples: ['small'] })

export const DeadLetterDocument = Type.Object(
  {
    id: Type.String(),
    topic: Type.String(),
    lane,
    key: Type.String(),
    payload: Type.Record(Type.String(), Type.Unknown()),
    attempts: Type.Integer({ description: 'How often it was tried' }),
    reason: Type.String({ description: 'Why it was given up on' }),
    died_at: Type.String({ format: 'date-time' }),
  },
  { title: 'DeadLetter', description: 'A message that was given up on' },
)

const ListQuery = Type.Object(
  { topic: Type.Optional(topic), lane: Type.Optional(lane), limit: PageLimit },
  { additionalProperties: false },
)

const Redrive = Type.Object(
  {
    topic,
    lane: Type.Optional(lane),
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: LIMITS.deadLettersRedriveMax,
        description: `Only so many, the newest; at most ${LIMITS.deadLettersRedriveMax}, which it is with a lane too`,
      }),
    ),
  },
  { title: 'RedriveDeadLetters', additionalProperties: false, description: 'Which dead letters are tried again' },
)

type Lane = (typeof LANES)[number]
type Filter = { readonly topic?: string | undefined; readonly lane?: Lane | undefined }
type Letter = Omit<Static<typeof DeadLetterDocument>, 'died_at' | 'payload'> & {
  readonly diedAt: Date
  readonly payload: Readonly<Record<string, unknown>>
}

export interface DeadLetterSource {
  list(filter: Filter, limit: number): Promise<readonly Letter[]>
  redrive(request: Filter & { readonly topic: string; readonly limit?: number | undefined }): Promise<number>
}

/** Messages that were given up on, and their way back to work. */
export function deadLetterRoutes(letters: DeadLetterSource): Routes {
  return (app) => {
    app.get(
      '/v1/dead-letters',
      {
        config: { scope: 'admin:read' },
        schema: {
          operationId: 'listDeadLetters',
          summary: 'List dead letters, newest first',
          description:
            `No pages: what is beyond the limit is seen once those before are back at work. Of the oldest ` +
            `${LIMITS.deadLettersReadMax} of a lane where the broker can't search them.`,
          tags: ['system'],
          querystring: ListQuery,
          response: { 200: Type.Object({ items: Type.Array(DeadLetterDocument) }), ...problems },
        },
      },
      async ({ query: { limit, ...filter } }) => {
        const found = await letters.list(filter, pageLimit(limit))
        return {
          items: found.map(({ diedAt, payload, ...letter }) => {
            return { ...letter, payload: { ...payload }, died_at: diedAt.toISOString() }
          }),
        }
      },
    )
    app.post(
      '/v1/dead-letters/redrive',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'redriveDeadLetters',
          summary: 'Put dead letters back to work',
          description: 'They are tried anew, as often as new messages. May be repeated.',
          tags: ['system'],
          body: Redrive,
          response: {
            200: Type.Object({ redriven: Type.Integer({ description: 'How many are back at work' }) }),
            ...problems,
          },
        },
      },
      async ({ body }) => ({ redriven: await letters.redrive(body) }),
    )
  }
}
