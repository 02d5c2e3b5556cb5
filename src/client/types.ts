import type { paths } from './openapi.generated.ts'

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/** Paths that have the method. */
export type PathOf<M extends Method> = {
  [Path in keyof paths]: paths[Path] extends { [m in M]: object } ? Path : never
}[keyof paths]

type OperationOf<Path extends keyof paths, M extends Method> = Extract<
  paths[Path] extends { [m in M]: infer Operation } ? Operation : never,
  object
>

type Part<Operation, Name extends string> = Operation extends { parameters: { [name in Name]?: infer Value } }
  ? NonNullable<Value>
  : never

/** A member that may be left out when all of its own members may be. */
type Member<Name extends string, Value> = [Value] extends [never]
  ? { readonly [name in Name]?: never }
  : Record<never, never> extends Value
    ? { readonly [name in Name]?: Value }
    : { readonly [name in Name]: Value }

type Params<Operation> = Member<'path', Part<Operation, 'path'>> & Member<'query', Part<Operation, 'query'>>

type JsonBody<Operation> = Operation extends { requestBody: { content: { 'application/json': infer Body } } }
  ? { readonly body: Body }
  : Operation extends { requestBody?: { content: { 'application/json': infer Body } } }
    ? { readonly body?: Body }
    : { readonly body?: never }

type Header<Operation, Name extends string> = [Part<Operation, 'header'>] extends [never]
  ? false
  : Name extends keyof Part<Operation, 'header'>
    ? true
    : false

/** What every request may be given. */
export interface CommonOptions {
  /** Ends the request and its retries; what is thrown then is the reason of the signal. */
  readonly signal?: AbortSignal | undefined
  /** Of each try, in milliseconds; that of the client unless given. */
  readonly timeoutMs?: number | undefined
  /** That of the client unless given; 0 for none. */
  readonly retries?: number | undefined
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface KeyOptions {
  /**
   * What makes repeats of the request be carried out once; made anew for each call unless given, and the same in all
   * its retries. Give one of your own, kept with your data, to be able to repeat a call after a crash.
   */
  readonly idempotencyKey?: string | undefined
}

export interface IfMatchOptions {
  /** ETag that the resource must still have, else the request does nothing and throws `version_mismatch`. */
  readonly ifMatch?: string | undefined
}

/** The parameters, the body and the rest that an operation takes. */
export type OptionsOf<Path extends keyof paths, M extends Method> = CommonOptions &
  Member<'params', Params<OperationOf<Path, M>>> &
  JsonBody<OperationOf<Path, M>> &
  (Header<OperationOf<Path, M>, 'idempotency-key'> extends true ? KeyOptions : { readonly idempotencyKey?: never }) &
  (Header<OperationOf<Path, M>, 'if-match'> extends true ? IfMatchOptions : { readonly ifMatch?: never })

/** May be left out as a whole when none of it is required. */
export type Args<Options> = Record<never, never> extends Options ? [options?: Options] : [options: Options]

type ContentOf<Response> = Response extends { content: { 'application/json': infer Body } }
  ? Body
  : Response extends { content: { 'text/plain': string } | { 'text/csv': string } | { 'text/event-stream': string } }
    ? string
    : undefined

type Success = 200 | 201 | 202 | 204

/** What a call answers: the body of the operation's success, `undefined` where it has none. */
export type AnswerOf<Path extends keyof paths, M extends Method> =
  OperationOf<Path, M> extends { responses: infer Responses }
    ? { [Status in keyof Responses & Success]: ContentOf<Responses[Status]> }[keyof Responses & Success]
    : never

/** A page of any list. */
export interface AnyPage {
  readonly items: readonly unknown[]
  readonly next_cursor?: string
}

/** Paths whose GET answers a page of a list. */
export type ListPath = {
  [Path in PathOf<'get'>]: AnswerOf<Path, 'get'> extends AnyPage
    ? 'next_cursor' extends keyof AnswerOf<Path, 'get'>
      ? Path
      : never
    : never
}[PathOf<'get'>]

export type PageOf<Path extends ListPath> = AnswerOf<Path, 'get'>
export type ItemOf<Path extends ListPath> = PageOf<Path> extends { items: (infer Item)[] } ? Item : never

/** An answer with what stands beside its body. */
export interface Answer<Body> {
  readonly body: Body
  readonly status: number
  readonly headers: Headers
  /** Version of the resource, to be sent as `ifMatch`. */
  readonly etag: string | undefined
  /** The request had been carried out before, with the same idempotency key: this is what was answered then. */
  readonly isReplay: boolean
}
