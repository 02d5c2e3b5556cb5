import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A server that behaves like the part of Stripe that Fanfold uses: intents, captures, refunds and disputes with their
 * states, idempotency keys with replay and conflict, cards that decline. It keeps books of what it has done, and can lose
 * requests and answers on the wire. Written after Stripe's documentation, not after the adapter.
 */
type Json = Record<string, unknown>

export interface RecordedRequest {
  readonly method: string
  readonly path: string
  readonly key: string | undefined
  readonly headers: IncomingMessage['headers']
  /** Form fields as they were sent, e.g. `metadata[fanfold_op_id]`. */
  readonly form: Readonly<Record<string, string>>
}

/** One thing that the server has done with money; amounts as Stripe counts. */
export interface StripeEffect {
  readonly kind: 'authorize' | 'increment' | 'capture' | 'cancel' | 'refund'
  readonly key: string | undefined
  readonly intent: string
  readonly amount: number
  readonly currency: string
}

/**
 * What goes wrong with a request that changes something: it is lost before it is carried out, or its answer is; the
 * server fails before or (keeping the failure under the key) after carrying it out; another one with its key is at work;
 * the API key is not valid; there are too many; no answer comes.
 */
export type StripeFault = 'lost_request' | 'lost_answer' | '500' | '500_after' | '401' | '409' | '429' | 'silence'

interface Intent extends Json {
  id: string
  status: string
  amount: number
  amount_capturable: number
  amount_received: number
  currency: string
  metadata: Record<string, string>
  latest_charge: string | null
}

interface Refund extends Json {
  id: string
  amount: number
  currency: string
  status: string
  payment_intent: string
  metadata: Record<string, string>
}

class Refused extends Error {
  readonly status: number
  readonly body: Json
  constructor(status: number, body: Json) {
    super(String(body['message'] ?? body['code']))
    this.status = status
    this.body = body
  }
}

const DECLINES: Readonly<Record<string, Json>> = {
  pm_card_chargeDeclined: { code: 'card_declined', decline_code: 'generic_decline' },
  pm_card_chargeDeclinedInsufficientFunds: { code: 'card_declined', decline_code: 'insufficient_funds' },
  pm_card_chargeDeclinedExpiredCard: { code: 'expired_card' },
  pm_card_chargeDeclinedStolenCard: { code: 'card_declined', decline_code: 'stolen_card' },
  pm_card_tryAgain: { code: 'card_declined', decline_code: 'do_not_honor', advice_code: 'try_again_later' },
}

const decline = (about: Json) => new Refused(402, { type: 'card_error', message: 'Your card was declined.', ...about })
const invalid = (code: string, message: string, more: Json = {}) =>
  new Refused(400, { type: 'invalid_request_error', code, message, ...more })

/** Refunds whose amounts end so are pending first. */
const LATE_REFUND = 99

export const CAPTURE_BEFORE_SECONDS = 4_000_000_000

export interface StripeServer {
  readonly url: string
  /** Every request, in the order in which they came. */
  readonly requests: readonly RecordedRequest[]
  readonly effects: readonly StripeEffect[]
  /** What goes wrong with the next requests that change something, one each; `undefined` lets one through. */
  fail(...faults: (StripeFault | undefined)[]): void
  /** Whether searches find what is new. */
  searchable: boolean
  intentOf(opId: string): Json & { id: string; metadata: Record<string, string> }
  /** The payer has acted, or the bank has decided; answers the intent. */
  decide(intent: string, verdict: 'succeeded' | 'failed'): Json
  decideRefund(refund: string, status: 'succeeded' | 'failed'): Json
  /** Ids of the refunds, newest first. */
  refunds(): string[]
  /** Somebody gives money back in the Dashboard. */
  refundOutside(intent: string, amount: number): void
  close(): Promise<void>
}

function metadataOf(form: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(form).flatMap(([name, value]) => {
      const key = /^metadata\[(.+)\]$/.exec(name)?.[1]
      return key === undefined ? [] : [[key, value]]
    }),
  )
}

export async function startStripeServer(): Promise<StripeServer> {
  const requests: RecordedRequest[] = []
  const effects: StripeEffect[] = []
  const faults: (StripeFault | undefined)[] = []
  const intents = new Map<string, Intent>()
  const refunds = new Map<string, Refund>()
  const keys = new Map<string, { request: string; answer: { status: number; body: Json } }>()
  const held = new Set<ServerResponse>()
  let made = 0
  const newId = (prefix: string) => `${prefix}_test${++made}`
  const state = { searchable: true }

  function effect(
    kind: StripeEffect['kind'],
    { key }: RecordedRequest,
    { id, currency }: Intent,
    amount: number,
  ): void {
    effects.push({ kind, key, intent: id, amount, currency })
  }

  function shown(intent: Intent, expanded: boolean): Json {
    const card = { capture_before: CAPTURE_BEFORE_SECONDS }
    const charge = { id: intent.latest_charge, object: 'charge', payment_method_details: { type: 'card', card } }
    return expanded && intent.latest_charge !== null ? { ...intent, latest_charge: charge } : { ...intent }
  }

  function intentNamed(id: string): Intent {
    const intent = intents.get(id)
    if (intent === undefined) throw new Refused(404, { type: 'invalid_request_error', code: 'resource_missing' })
    return intent
  }

  function inState(intent: Intent, ...statuses: string[]): void {
    if (statuses.includes(intent.status)) return
    const message = `This PaymentIntent could not be changed because it has a status of ${intent.status}.`
    throw invalid('payment_intent_unexpected_state', message, { payment_intent: { ...intent } })
  }

  function authorize(request: RecordedRequest): Json {
    const { form } = request
    const method = form['payment_method'] ?? ''
    if (form['confirm'] !== 'true') throw invalid('parameter_missing', 'This server only knows confirmed intents.')
    const amount = Number(form['amount'])
    if (form['currency'] !== form['currency']?.toLowerCase()) throw invalid('currency', 'Invalid currency.')
    const intent: Intent = {
      ...{ id: newId('pi'), object: 'payment_intent', status: 'requires_capture', amount, currency: form['currency']! },
      ...{ amount_capturable: 0, amount_received: 0, metadata: metadataOf(form), latest_charge: null },
      ...{ next_action: null, last_payment_error: null, cancellation_reason: null },
      multicapture: form['payment_method_options[card][request_multicapture]'] === 'if_available',
    }
    intents.set(intent.id, intent)
    const refusal = DECLINES[method]
    if (refusal !== undefined) {
      Object.assign(intent, { status: 'requires_payment_method', last_payment_error: refusal })
      throw decline({ ...refusal, payment_intent: { ...intent } })
    }
    if (method === 'pm_card_threeDSecureRequired') {
      if (form['error_on_requires_action'] === 'true') throw decline({ code: 'authentication_required' })
      const redirect = { return_url: form['return_url'], url: `https://hooks.stripe.com/3ds/${intent.id}` }
      const action = { type: 'redirect_to_url', redirect_to_url: redirect }
      Object.assign(intent, { status: 'requires_action', next_action: action })
    } else if (method === 'pm_later') {
      intent.status = 'processing'
    } else {
      hold(intent)
      effect('authorize', request, intent, amount)
    }
    return shown(intent, form['expand[0]'] === 'latest_charge')
  }

  function hold(intent: Intent): void {
    Object.assign(intent, { status: 'requires_capture', latest_charge: newId('ch'), next_action: null })
    intent.amount_capturable = intent.amount
  }

  function capture(request: RecordedRequest, intent: Intent): Json {
    const { form } = request
    inState(intent, 'requires_capture')
    const amount = Number(form['amount_to_capture'] ?? intent.amount_capturable)
    if (amount > intent.amount_capturable) throw invalid('amount_too_large', 'More than can be captured.')
    const final = form['final_capture'] !== 'false'
    if (!final && intent['multicapture'] !== true) throw invalid('parameter_unknown', 'No multicapture here.')
    intent.amount_received += amount
    intent.amount_capturable = final ? 0 : intent.amount_capturable - amount
    if (intent.amount_capturable === 0) intent.status = 'succeeded'
    Object.assign(intent.metadata, metadataOf(form))
    effect('capture', request, intent, amount)
    return shown(intent, false)
  }

  function cancel(request: RecordedRequest, intent: Intent): Json {
    inState(intent, 'requires_capture', 'requires_action', 'requires_payment_method', 'processing')
    const released = intent.amount_capturable
    Object.assign(intent, { status: 'canceled', amount_capturable: 0, next_action: null })
    if (released > 0) effect('cancel', request, intent, released)
    return shown(intent, false)
  }

  function increment(request: RecordedRequest, intent: Intent): Json {
    inState(intent, 'requires_capture')
    const amount = Number(request.form['amount'])
    if (amount <= intent.amount) throw invalid('amount_too_small', 'An increment must be larger.')
    if (amount > 1_000_000) throw decline({ code: 'card_declined', decline_code: 'insufficient_funds' })
    effect('increment', request, intent, amount - intent.amount)
    Object.assign(intent, { amount, amount_capturable: amount })
    Object.assign(intent.metadata, metadataOf(request.form))
    return shown(intent, false)
  }

  function refund(request: RecordedRequest): Json {
    const { form } = request
    const intent = intentNamed(form['payment_intent'] ?? '')
    const amount = Number(form['amount'])
    const given = [...refunds.values()]
      .filter((each) => each.payment_intent === intent.id && each.status !== 'failed')
      .reduce((sum, each) => sum + each.amount, 0)
    if (amount > intent.amount_received - given)
      throw invalid('charge_already_refunded', 'More than is left of the charge.')
    const metadata = metadataOf(form)
    const status = amount % 100 === LATE_REFUND ? 'pending' : 'succeeded'
    const { currency } = intent
    const made: Refund = {
      ...{ id: newId('re'), object: 'refund', amount, currency, status, payment_intent: intent.id, metadata },
    }
    refunds.set(made.id, made)
    if (status === 'succeeded') effect('refund', request, intent, amount)
    return { ...made }
  }

  function search(query: string): Json {
    const [, name = '', value = ''] = /^metadata\["([^"]+)"\]:"([^"]+)"$/.exec(query) ?? []
    const data = [...intents.values()].filter((intent) => state.searchable && intent.metadata[name] === value)
    return { object: 'search_result', has_more: false, data }
  }

  function listRefunds(form: Readonly<Record<string, string>>): Json {
    const all = [...refunds.values()].filter((each) => each.payment_intent === form['payment_intent']).reverse()
    const from = form['starting_after'] === undefined ? 0 : all.findIndex((r) => r.id === form['starting_after']) + 1
    return { object: 'list', url: '/v1/refunds', data: all.slice(from, from + 2), has_more: all.length > from + 2 }
  }

  function carryOut(request: RecordedRequest): Json {
    const { method, path, form } = request
    const [, , kind = '', id = '', deed = ''] = path.split('/')
    if (kind === 'payment_intents') {
      if (method === 'GET' && id === 'search') return search(form['query'] ?? '')
      if (method === 'GET') return shown(intentNamed(id), form['expand[0]'] === 'latest_charge')
      if (id === '') return authorize(request)
      const deeds = { capture, cancel, increment_authorization: increment } as const
      const run = deeds[deed as keyof typeof deeds]
      if (run !== undefined) return run(request, intentNamed(id))
    }
    if (kind === 'refunds') {
      if (method === 'POST') return refund(request)
      if (id === '') return listRefunds(form)
      return { ...(refunds.get(id) as Refund) }
    }
    if (kind === 'disputes' && method === 'POST') return { id, object: 'dispute', status: 'under_review' }
    throw new Refused(404, { type: 'invalid_request_error', message: `Unrecognized request URL (${method} ${path})` })
  }

  function answerOf(request: RecordedRequest): { status: number; body: Json } {
    try {
      return { status: 200, body: carryOut(request) }
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return { status: error.status, body: { error: error.body } }
    }
  }

  const failure = (status: number, about: Json) => ({ status, body: { error: about } })

  /** By Stripe's rules: a key keeps its first answer, whatever it was, and is for one request only. */
  function keyed(request: RecordedRequest, fault: StripeFault | undefined): { status: number; body: Json } {
    const { key = '', path, form } = request
    const same = JSON.stringify([path, form])
    const known = keys.get(key)
    if (known !== undefined && known.request !== same)
      return failure(400, { type: 'idempotency_error', message: 'Keys are for one request.' })
    if (known !== undefined) return known.answer
    const done = answerOf(request)
    const answer = fault === '500_after' ? failure(500, { type: 'api_error', message: 'Something broke.' }) : done
    // What never began, because a parameter is wrong, is not kept.
    if (done.status !== 400 && done.status !== 404) keys.set(key, { request: same, answer })
    return answer
  }

  const FAILURES: Partial<Record<StripeFault, { status: number; body: Json }>> = {
    '401': failure(401, { type: 'invalid_request_error', message: 'Invalid API Key provided.' }),
    '409': failure(409, { code: 'idempotency_key_in_use', message: 'A request with this key is at work.' }),
    '429': failure(429, { code: 'rate_limit', message: 'Too many requests.' }),
    '500': failure(500, { type: 'api_error', message: 'Something broke.' }),
  }

  function serve(request: RecordedRequest, response: ServerResponse): void {
    const fault = request.method === 'POST' ? faults.shift() : undefined
    const failed = fault === undefined ? undefined : FAILURES[fault]
    if (fault === 'lost_request') response.destroy()
    else if (failed !== undefined) send(response, failed)
    else {
      const answer = request.method === 'POST' ? keyed(request, fault) : answerOf(request)
      if (fault === 'lost_answer') response.destroy()
      else if (fault === 'silence') held.add(response)
      else send(response, answer)
    }
  }

  function send(response: ServerResponse, { status, body }: { status: number; body: Json }): void {
    response.writeHead(status, { 'content-type': 'application/json', 'request-id': newId('req') })
    response.end(JSON.stringify(body))
  }

  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://stripe')
    const text = Buffer.concat(chunks).toString()
    const form = Object.fromEntries(incoming.method === 'GET' ? searchParams : new URLSearchParams(text))
    const key = incoming.headers['idempotency-key'] as string | undefined
    const request = { method: incoming.method ?? '', path: pathname, key, headers: incoming.headers, form }
    requests.push(request)
    serve(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ requests, effects },
    fail: (...next) => void faults.push(...next),
    get searchable() {
      return state.searchable
    },
    set searchable(value) {
      state.searchable = value
    },
    intentOf(opId) {
      const found = [...intents.values()].find((intent) => intent.metadata['fanfold_op_id'] === opId)
      if (found === undefined) throw new Error(`no intent has the operation ${opId}`)
      return { ...found }
    },
    decide(id, verdict) {
      const intent = intentNamed(id)
      const lastError = { code: 'payment_intent_authentication_failure', message: 'The payer failed to authenticate.' }
      if (verdict === 'succeeded') {
        hold(intent)
        effects.push({
          kind: 'authorize',
          key: undefined,
          intent: id,
          amount: intent.amount,
          currency: intent.currency,
        })
      } else Object.assign(intent, { status: 'requires_payment_method', last_payment_error: lastError })
      return { ...intent }
    },
    decideRefund(id, status) {
      const found = refunds.get(id)
      if (found === undefined) throw new Error(`there is no refund ${id}`)
      const { payment_intent: intent, amount, currency, metadata } = found
      const opId = metadata['fanfold_op_id']
      if (status === 'succeeded') effects.push({ kind: 'refund', key: opId, intent, amount, currency })
      return { ...Object.assign(found, { status }, status === 'failed' ? { failure_reason: 'declined' } : {}) }
    },
    refunds: () => [...refunds.keys()].reverse(),
    refundOutside(intent, amount) {
      const { currency } = intentNamed(intent)
      const id = newId('re')
      refunds.set(id, { id, amount, currency, status: 'succeeded', payment_intent: intent, metadata: {} })
    },
    async close() {
      for (const response of held) response.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
