import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest, RawServerDefault } from 'fastify'
import Type, { type TProperties } from 'typebox'
import type { CommandContext } from '../core/command.ts'
import { AppError, invalidField } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { ApiKey } from './ports.ts'
import type { Problem } from './problem.ts'
import type { Scope } from './scopes.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a key needs for this route; `any` key will do, `public` needs none. Every route names one. */
    scope?: Scope | 'any' | 'public'
    /** `required` refuses a request without an Idempotency-Key. */
    idempotency?: 'required' | 'optional'
    /** The route listens to If-Match; those with an Idempotency-Key do anyway. */
    ifMatch?: true
    /** It answers for as long as the client listens, so that its time tells nothing. */
    stream?: true
  }
  interface FastifyRequest {
    apiKey: ApiKey | undefined
  }
}

/** Fastify with TypeBox: the schema of a route gives the types of its request and reply. */
export type HttpApp = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

/** Routes of one area: a plain function that adds them to the app. */
export type Routes = (app: HttpApp) => void

/** Every route may answer these; spread them behind its own responses. The schema itself is added to the app once. */
const problem = Type.Unsafe<Problem>({ $ref: 'Problem#', description: 'Problem document (RFC 9457)' })
export const problems = { '4xx': problem, '5xx': problem } as const

export const PageLimit = Type.Optional(
  Type.Integer({
    minimum: 1,
    description: `Items of a page; ${LIMITS.pageItemsDefault} unless given, more than ${LIMITS.pageItemsMax} are cut to that`,
  }),
)
const PageCursor = Type.Optional(
  Type.String({ maxLength: LIMITS.cursorCharsMax, description: 'next_cursor of the page before' }),
)

/** The query of a list that is read page by page, with its filters; anything else in it is refused. */
export const pagedQuery = <Filters extends TProperties>(filters: Filters = {} as Filters) =>
  Type.Object({ ...filters, limit: PageLimit, cursor: PageCursor }, { additionalProperties: false })

/** A 204 without content. */
export const NoContent = Type.Null({ description: 'Done' })

function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

/** The draft's header is a structured string (quoted); a bare one is taken too. */
function idempotencyKey(request: FastifyRequest): string | undefined {
  const text = headerText(request.headers['idempotency-key'])?.trim()
  const key =
    text !== undefined && text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
  if ((key === undefined || key === '') && request.routeOptions.config.idempotency === 'required') {
    throw new AppError(
      'idempotency_key_required',
      'Send a header such as  Idempotency-Key: 6f9f2c1e  and the same one when you repeat the request',
      {
        fields: [{ pointer: 'header/idempotency-key', detail: 'is required' }],
      },
    )
  }
  return key === '' ? undefined : key
}

function expectedVersion(request: FastifyRequest): number | undefined {
  const text = headerText(request.headers['if-match'])?.trim()
  if (text === undefined || text === '*') return undefined
  const version = /^(?:W\/)?"?(\d{1,9})"?$/.exec(text)?.[1]
  if (version === undefined) throw invalidField('header/if-match', 'must be the ETag of the resource, e.g. W/"3"')
  return Number(version)
}

/** Who asks, and how the request may be repeated, for a command of a service. */
export function commandContext(request: FastifyRequest, reply: FastifyReply): CommandContext {
  return {
    actor: request.apiKey?.key_id ?? 'anonymous',
    requestId: request.id,
    idempotencyKey: idempotencyKey(request),
    expectedVersion: expectedVersion(request),
    onReplay: () => void reply.header('idempotent-replayed', 'true'),
  }
}

/** Sets the ETag of a versioned resource and hands it through. */
export function versioned<T extends { readonly version: number }>(reply: FastifyReply, resource: T): T {
  reply.header('etag', `W/"${resource.version}"`)
  return resource
}
