import { createFanfold } from 'fanfold'
import { createClient, isProblem } from 'fanfold/client'

const API_KEY = 'example-key-0123456789'

interface Outcome {
  readonly tries: number
  readonly orders: number
  readonly refused: string
  readonly live: string
}

/** A shop calls a server over HTTP: its first answer is lost, and still there is one order. */
export async function main(database = 'pglite:memory'): Promise<Outcome> {
  await using server = await createFanfold({ database, apiKey: API_KEY })
  const http = await server.createHttp()
  const baseUrl = await http.listen({ host: '127.0.0.1', port: 0 })

  // A network that loses the answer to the first order; programs need no fetch of their own.
  let tries = 0
  const fanfold = createClient({
    baseUrl,
    apiKey: API_KEY,
    async fetch(request, init) {
      const answer = await fetch(request, init)
      if (request.method === 'POST' && request.url.endsWith('/v1/orders')) tries += 1
      if (tries === 1) throw new TypeError('connection lost')
      return answer
    },
  })

  await fanfold.post('/v1/products', {
    body: {
      ...{ product_id: 'camera', sku: 'CAM-1', name: 'Camera', category: 'Electronics' },
      ...{ price: 49_900, currency: 'EUR', stock: 3 },
    },
  })
  await fanfold.post('/v1/customers', { body: { customer_id: 'ada', name: 'Ada Lovelace' } })
  const body = {
    customer_id: 'ada',
    shipping_address: { line1: '1 Main Street', city: 'Berlin', country: 'DE' },
    items: [{ product_id: 'camera', quantity: 2 }],
  }
  await fanfold.post('/v1/orders', { body })
  const triesOfFirst = tries

  let refused = ''
  try {
    await fanfold.post('/v1/orders', { body })
  } catch (error) {
    if (!isProblem(error, 'insufficient_stock')) throw error
    refused = error.code
  }

  let orders = 0
  for await (const order of fanfold.list('/v1/orders', { params: { query: { customer_id: 'ada' } } })) {
    if (order.status === 'PENDING') orders += 1
  }

  await fanfold.post('/v1/users', { body: { user_id: 'ada', handle: 'ada', name: 'Ada Lovelace' } })
  let live = ''
  for await (const event of fanfold.timelineStream('ada')) {
    if (event.type === 'position')
      await fanfold.post('/v1/posts', { body: { user_id: 'ada', content: { text: 'Open for business' } } })
    if (event.type !== 'post') continue
    live = event.post.content.text ?? ''
    break
  }
  return { tries: triesOfFirst, orders, refused, live }
}

if (process.argv[1] === import.meta.filename) console.log(await main())
