import { randomUUID } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyContextConfig, type FastifyReply, type FastifyRequest, type FastifySchema } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { holdsCardNumber } from '../core/card-number.ts'
import { AppError } from '../core/errors.ts'
import { LIMITS } from '../core/limits.ts'
import type { Logger } from '../core/logger.ts'
import type { Metrics } from '../core/metrics.ts'
import { type InputPart, validator } from '../core/schema.ts'
import type { ApiKeys } from './auth.ts'
import { nameSchemas } from './named-schemas.ts'
import { OPENAPI_INFO } from './openapi-info.ts'
import { Problem, problemOf, toAppError } from './problem.ts'
import type { HttpApp, Routes } from './route.ts'
import { allows } from './scopes.ts'

export interface HttpOptions {
  readonly apiKeys: ApiKeys
  readonly logger: Logger
  readonly metrics: Metrics
  /** Requests per minute and key. */
  readonly rateLimit: number
  /** The routes of every area, in the order of the documentation. */
  readonly routes: readonly Routes[]
}

const PARTS: Readonly<Record<string, InputPart>> = {
  body: 'body',
  querystring: 'query',
  params: 'params',
  headers: 'headers',
}

/** The HTTP server, not yet listening. Routes see authenticated, validated requests and throw AppErrors. */
export async function createHttpApp(options: HttpOptions): Promise<HttpApp> {
  const { apiKeys, logger, metrics } = options
  function answerError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = toAppError(thrown)
    if (error.status >= 500)
      logger.error(
        { err: thrown, request_id: request.id },
        `${request.method} ${request.routeOptions.url}: ${error.message}`,
      )
    if (error.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1_000))
    if (error.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer')
    reply
      .code(error.status)
      .type('application/problem+json')
      .serializer(JSON.stringify)
      .send(problemOf(error, request.id))
  }
  const app: HttpApp = Fastify({
    logger: false,
    bodyLimit: LIMITS.bodyBytesMax,
    forceCloseConnections: 'idle',
    genReqId: (request) => requestIdOf(request.headers['x-request-id']),
    routerOptions: { maxParamLength: 200 },
    // A path that can not be decoded reaches no route, and no hook.
    frameworkErrors: (error, request, reply) => answerError(error, request as FastifyRequest, reply as FastifyReply),
  })

  app.setValidatorCompiler(({ schema, httpPart }) => {
    const check = validator(schema as TSchema, PARTS[httpPart ?? 'body'] ?? 'body')
    return (value) => {
      try {
        return { value: check(value) }
      } catch (error) {
        return { error: error as Error }
      }
    }
  })
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Clients name the type of a body they do not send; what is missing then is told field by field.
    if (body === '') done(null, undefined)
    else parseJson(request, body as string, done)
  })
  app.addHook('preValidation', async (request) => {
    if (request.body === undefined && request.routeOptions.schema?.body !== undefined) request.body = {}
  })
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request) => {
    throw new AppError('route_not_found', `${request.method} ${request.url.split('?')[0]} is not a route; see /docs`)
  })

  app.addSchema(Problem)
  app.decorateRequest('apiKey', undefined)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
    if (holdsCardNumber(decoded(request.raw.url ?? '')))
      throw new AppError('card_number_refused', 'The URL looks as if it held a card number; send a token')
    const { scope } = request.routeOptions.config
    if (scope === 'public' || request.is404 || isDocs(request)) return
    if (scope === undefined) throw new Error(`${request.routeOptions.url} names no scope`)
    request.apiKey = await apiKeys.authenticate(request.headers.authorization)
    if (scope !== 'any' && !allows(request.apiKey.scopes, scope)) {
      throw new AppError(
        'forbidden',
        `This needs the scope "${scope}"; the key "${request.apiKey.name}" has: ${request.apiKey.scopes.join(', ')}`,
        {
          data: { required_scope: scope },
        },
      )
    }
  })
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    const seconds = reply.elapsedTime / 1_000
    if (request.routeOptions.config.stream !== true || reply.statusCode >= 400)
      metrics.httpSeconds.observe({ method: request.method, route, status: String(reply.statusCode) }, seconds)
    logger.debug(
      {
        method: request.method,
        route,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        request_id: request.id,
        key_id: request.apiKey?.key_id,
      },
      'request',
    )
  })

  await app.register(swagger, {
    openapi: OPENAPI_INFO,
    hideUntagged: true,
    transform: ({ schema, url, route }) => ({ schema: withHeaders(schema, route.config), url }),
    transformObject: (made) => nameSchemas('openapiObject' in made ? made.openapiObject : made.swaggerObject),
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) => String(schema['$id'] ?? `schema-${index}`),
    },
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true, persistAuthorization: true },
  })
  await app.register(rateLimit, {
    max: options.rateLimit,
    timeWindow: 60_000,
    hook: 'preValidation',
    keyGenerator: (request) => request.apiKey?.key_id ?? request.ip,
    allowList: (request) => request.apiKey === undefined,
    errorResponseBuilder: (_request, context) =>
      new AppError('rate_limited', `At most ${context.max} requests a minute with one key`, {
        retryAfterMs: context.ttl,
      }),
  })
  for (const routes of options.routes) routes(app)
  return app
}

/** Tells in the API description which headers a route listens to; they are read by `commandContext`. */
function withHeaders(schema: FastifySchema, config: FastifyContextConfig | undefined): FastifySchema {
  if (config?.idempotency === undefined && config?.ifMatch !== true) return schema
  const key = Type.String({ description: 'Repeating a request with the same key carries it out once', maxLength: 255 })
  const headers = Type.Object({
    ...(config.idempotency === undefined
      ? {}
      : { 'idempotency-key': config.idempotency === 'required' ? key : Type.Optional(key) }),
    'if-match': Type.Optional(Type.String({ description: 'ETag that the resource must still have; 412 otherwise' })),
  })
  return { ...schema, headers }
}

function requestIdOf(header: string | string[] | undefined): string {
  const isFit = typeof header === 'string' && /^[\w.:-]{1,100}$/.test(header) && !holdsCardNumber(header)
  return isFit ? header : randomUUID()
}

/** With what a URL escapes; as it is where that makes no sense. */
function decoded(url: string): string {
  try {
    return decodeURIComponent(url.replaceAll('+', ' '))
  } catch {
    return url
  }
}

function isDocs(request: FastifyRequest): boolean {
  return request.routeOptions.url?.startsWith('/docs') ?? false
}
