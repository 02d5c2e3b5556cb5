import { AsyncLocalStorage } from 'node:async_hooks'
import type Stripe from 'stripe'
import { AppError } from '../../core/errors.ts'
import { LIMITS } from '../../core/limits.ts'
import { VERSION } from '../../core/version.ts'

/** The version of Stripe's API that this adapter was written for; Stripe goes on serving it. */
export const STRIPE_API_VERSION = '2026-10-28.endive'

export interface StripeClient {
  readonly stripe: Stripe
  /** Runs calls of the client that end when the signal aborts. */
  within<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T>
}

async function loadDriver(): Promise<typeof Stripe> {
  try {
    return (await import('stripe')).default
  } catch (cause) {
    throw new AppError('driver_missing', 'The Stripe processor needs the package "stripe": run  npm install stripe', {
      cause,
    })
  }
}

/** Which server to ask instead of Stripe's own. */
function serverOf(url: string | undefined): Pick<Stripe.StripeConfig, 'protocol' | 'host' | 'port'> {
  if (url === undefined) return {}
  const { protocol, hostname, port } = new URL(url)
  const secure = protocol === 'https:'
  return { protocol: secure ? 'https' : 'http', host: hostname, port: port === '' ? (secure ? 443 : 80) : Number(port) }
}

/**
 * Stripe's own client. It never repeats a call by itself: when and whether to ask again is decided by Fanfold. (Given
 * Node's HTTP client, it would send a request again whose connection broke; with `fetch` it doesn't, and a call can be
 * ended.) Throws `driver_missing`.
 */
export async function openStripeClient(secretKey: string, apiUrl: string | undefined): Promise<StripeClient> {
  const Driver = await loadDriver()
  const signals = new AsyncLocalStorage<AbortSignal>()
  const fetchWithin: typeof fetch = (input, init) => {
    const all = [signals.getStore(), init?.signal].filter((signal) => signal != null)
    return fetch(input, { ...init, redirect: 'error', signal: AbortSignal.any(all) })
  }
  const stripe = new Driver(secretKey, {
    ...serverOf(apiUrl),
    apiVersion: STRIPE_API_VERSION,
    httpClient: Driver.createFetchHttpClient(fetchWithin),
    maxNetworkRetries: 0,
    timeout: LIMITS.processorMsMax,
    telemetry: false,
    appInfo: { name: 'fanfold', version: VERSION },
  })
  return { stripe, within: (signal, call) => signals.run(signal, call) }
}
