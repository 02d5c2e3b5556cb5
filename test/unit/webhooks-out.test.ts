import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { LogEvent } from '../../src/log/port.ts'
import { isPublicAddress } from '../../src/webhooks/addresses.ts'
import { eventTypeOf, isFor, messageOf, testMessage } from '../../src/webhooks/events.ts'
import { createGuard } from '../../src/webhooks/guard.ts'
import { RETRY_WAITS_MS, retryAfterMs, retryWaitMs } from '../../src/webhooks/schedule.ts'
import { newSecret, secretText, signature, signedHeaders } from '../../src/webhooks/signing.ts'

const NOW = Date.UTC(2026, 0, 1)

describe('signatures', () => {
  // The vector that the reference libraries of Standard Webhooks test themselves with.
  const vector = {
    secret: 'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    seconds: 1_614_265_330,
    body: '{"test": 2432232314}',
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  }

  it('are those of the published vector', () => {
    const { secret, id, seconds, body } = vector
    expect(signature(Buffer.from(secret, 'base64'), id, seconds, body)).toBe(vector.signature)
  })

  it('are made with both secrets until the old one ends, with the time of the try in whole seconds', () => {
    const secrets = { secret: newSecret(), oldSecret: newSecret(), oldSecretUntilMs: NOW + 1_000 }
    const during = signedHeaders(secrets, 'msg_1', '{"a":"ü"}', NOW + 999)
    const seconds = String(NOW / 1_000)
    const by = (secret: Uint8Array) =>
      `v1,${createHmac('sha256', secret).update(`msg_1.${seconds}.{"a":"ü"}`, 'utf8').digest('base64')}`
    expect(during).toEqual({
      'webhook-id': 'msg_1',
      'webhook-timestamp': seconds,
      'webhook-signature': `${by(secrets.secret)} ${by(secrets.oldSecret)}`,
    })
    expect(signedHeaders(secrets, 'msg_1', '{}', NOW + 1_000)['webhook-signature']).toMatch(/^v1,\S+$/)
  })

  it('stand on secrets of 256 bits, told as the specification says', () => {
    const secret = newSecret()
    expect(Buffer.from(secretText(secret).replace(/^whsec_/, ''), 'base64')).toEqual(Buffer.from(secret))
    expect(secret).toHaveLength(32)
    expect(secretText(newSecret())).not.toBe(secretText(secret))
  })
})

describe('the schedule of tries', () => {
  it('is the one that Standard Webhooks publishes', () => {
    const sinceStart = RETRY_WAITS_MS.map((_, n) => RETRY_WAITS_MS.slice(0, n + 1).reduce((sum, ms) => sum + ms, 0))
    const hms = (ms: number) =>
      [3_600_000, 60_000, 1_000].map((unit, n) =>
        String(Math.floor(ms / unit) % (n === 0 ? 1_000 : 60)).padStart(2, '0'),
      )
    expect(sinceStart.map((ms) => hms(ms).join(':'))).toEqual([
      ...['00:00:05', '00:05:05', '00:35:05', '02:35:05', '07:35:05'],
      ...['17:35:05', '31:35:05', '51:35:05', '75:35:05'],
    ])
  })

  it('adds up to a fifth by chance, and ends after the tenth try', () => {
    expect([retryWaitMs(1, 0, () => 0), retryWaitMs(1, 0, () => 1)]).toEqual([5_000, 6_000])
    expect([retryWaitMs(9, 0, () => 0), retryWaitMs(10)]).toEqual([86_400_000, undefined])
  })

  it('waits longer when the receiver asks for it, never shorter, and not for ever', () => {
    expect(retryWaitMs(1, 60_000, () => 0)).toBe(60_000)
    expect(retryWaitMs(2, 1_000, () => 0)).toBe(300_000)
    expect(retryWaitMs(1, 1e12, () => 0)).toBe(86_400_000)
  })

  it.each([
    ['120', 120_000],
    [new Date(NOW + 5_000).toUTCString(), 5_000],
    [new Date(NOW - 5_000).toUTCString(), 0],
    ['soon', 0],
    [undefined, 0],
  ])('reads Retry-After: %s', (header, ms) => {
    expect(retryAfterMs(header, NOW)).toBe(ms)
  })
})

describe('events', () => {
  const event = (more: Partial<LogEvent> = {}): LogEvent => ({
    ...{ shard: 1, eventId: 7n, streamId: '901', version: 3, type: 'ORDER_PAID', schemaVersion: 1, timestampMs: NOW },
    ...{ payload: { amount: 5 } },
    ...more,
  })

  it.each([
    ['orders', 'ORDER_PAID', 'order.paid'],
    ['orders', 'ITEMS_SHIPPED', 'order.items_shipped'],
    ['orders', 'A_TYPE_OF_TOMORROW', 'order.a_type_of_tomorrow'],
    ['payments', 'CAPTURED', 'payment.captured'],
    ['payments', 'REFUND_REVERSED', 'payment.refund_reversed'],
  ] as const)('of %s: %s is called %s', (log, type, name) => {
    expect(eventTypeOf(log, type)).toBe(name)
  })

  it('have an id of their own, without a full stop, and a body that says what happened', () => {
    const { messageId, body } = messageOf('orders', event())
    expect(messageId).toBe('msg_901_3')
    expect(JSON.parse(body)).toEqual({
      ...{ type: 'order.paid', timestamp: '2026-01-01T00:00:00.000Z' },
      data: { order_id: '901', version: 3, event_id: '7', details: { amount: 5 } },
    })
    const ids = [
      messageId,
      messageOf('payments', event({ streamId: 'pi_1' })).messageId,
      testMessage('whe_1', 'x', NOW).messageId,
    ]
    expect(ids.filter((id) => id.includes('.'))).toEqual([])
    expect(new Set(ids).size).toBe(3)
  })

  it('tell nobody how somebody pays', () => {
    const payload = {
      amount: 5,
      payment_method: { token: 'tok_secret', last4: '4242' },
      action: { url: 'https://bank/for-the-buyer' },
    }
    const { body } = messageOf('payments', event({ type: 'INITIATED', streamId: 'pi_1', payload }))
    expect(JSON.parse(body).data).toEqual({
      payment_intent_id: 'pi_1',
      version: 3,
      event_id: '7',
      details: { amount: 5 },
    })
  })

  it('are for whoever asked for them or their family, and only when they are newer than the endpoint', () => {
    const wants = (eventTypes: string[], orders = ['9', '6']) => ({
      endpointId: 'e',
      eventTypes,
      starts: { orders, payments: [] },
    })
    expect(isFor(wants(['order.paid']), 'orders', event())).toBe(true)
    expect(isFor(wants(['payment.*', 'order.*']), 'orders', event())).toBe(true)
    expect(isFor(wants(['order.shipped', 'payment.*', 'payment.paid']), 'orders', event())).toBe(false)
    expect(isFor(wants(['order.*'], ['0', '7']), 'orders', event())).toBe(false)
    expect(isFor(wants(['order.*'], ['0', '7']), 'orders', event({ eventId: 8n }))).toBe(true)
    const imported = event({ type: 'ORDER_IMPORTED' })
    expect(isFor(wants(['order.*']), 'orders', imported)).toBe(false)
    expect(isFor(wants(['order.*', 'order.imported']), 'orders', imported)).toBe(true)
    expect(isFor(wants(['order.*'], ['9', '99999999999999999']), 'orders', event({ eventId: 10n ** 17n }))).toBe(true)
  })
})

describe('addresses', () => {
  const INNER = [
    ...['127.0.0.1', '127.255.255.254', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254'],
    ...[
      '100.64.0.1',
      '100.100.100.200',
      '100.127.255.255',
      '0.0.0.0',
      '0.1.2.3',
      '192.0.0.192',
      '192.0.2.1',
      '198.18.0.1',
    ],
    ...['198.51.100.7', '203.0.113.7', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255', '168.63.129.16'],
    ...[
      '::',
      '::1',
      '::127.0.0.1',
      'fe80::1',
      'fe80::1%eth0',
      'febf::1',
      'fec0::1',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
    ],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:a9fe:a9fe', '::ffff:0.0.0.0', '::ffff:0:0'],
    ...['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b::', '64:ff9b::1', '64:ff9b:1::808:808', '100::1'],
    ...['2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', '5f00::1', '4000::1', '', 'localhost', '1.2.3', '0x7f.1'],
  ]
  it.each(INNER)('%s is not public', (address) => {
    expect(isPublicAddress(address)).toBe(false)
  })

  it.each([
    ...[
      '8.8.8.8',
      '1.1.1.1',
      '100.63.255.255',
      '100.128.0.1',
      '172.15.0.1',
      '172.32.0.1',
      '192.169.0.1',
      '223.255.255.255',
    ],
    ...['2606:4700:4700::1111', '2a00:1450:4001:82a::200e', '::ffff:8.8.8.8', '::ffff:808:808', '64:ff9b::8.8.8.8'],
  ])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true)
  })
})

describe('the guard of URLs', () => {
  const names: Record<string, readonly string[]> = {
    'shop.example': ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c'],
    'six-first.example': ['2606:2800:21f:cb07:6820:80da:af6b:8b2c', '93.184.215.14'],
    'inner.example': ['10.0.0.1'],
    'half.example': ['93.184.215.14', '169.254.169.254'],
    'mapped.example': ['::ffff:127.0.0.1'],
    'nowhere.example': [],
  }
  const resolve = async (hostname: string) => {
    const addresses = names[hostname]
    if (addresses === undefined) throw new Error(`getaddrinfo ENOTFOUND ${hostname}`)
    return addresses
  }
  const guardWith = (allow: { allowHttp?: boolean; allowPrivate?: boolean } = {}) =>
    createGuard({ allowHttp: false, allowPrivate: false, ...allow, resolve })
  const look = async (url: string, allow?: { allowHttp?: boolean; allowPrivate?: boolean }) => {
    const guard = guardWith(allow)
    return guard.addressesOf(guard.parse(url))
  }

  it('answers the addresses that it has looked at, IPv4 first', async () => {
    const both = ['93.184.215.14', '2606:2800:21f:cb07:6820:80da:af6b:8b2c']
    expect(await look('https://shop.example:8443/hooks?shop=1')).toEqual(both)
    expect(await look('https://six-first.example/')).toEqual(both)
    expect(await look('https://8.8.8.8/')).toEqual(['8.8.8.8'])
    expect(await look('https://[2606:4700:4700::1111]/')).toEqual(['2606:4700:4700::1111'])
  })

  it.each([
    'http://shop.example/',
    'ftp://shop.example/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'shop.example',
    'https://ada:secret@shop.example/',
    'https://ada@shop.example/',
    'https://shop.example/#part',
    'https://inner.example/',
    'https://half.example/',
    'https://mapped.example/',
    'https://nowhere.example/',
    'https://unknown.example/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://１２７.0.0.1/',
  ])('refuses %s', async (url) => {
    await expect(look(url)).rejects.toMatchObject({ code: 'webhook_url_refused', fields: [{ pointer: '/url' }] })
  })

  it('allows http and private addresses each by a setting of its own', async () => {
    expect(await look('http://shop.example/', { allowHttp: true })).toHaveLength(2)
    await expect(look('http://inner.example/', { allowHttp: true })).rejects.toMatchObject({
      code: 'webhook_url_refused',
    })
    expect(await look('https://inner.example/', { allowPrivate: true })).toEqual(['10.0.0.1'])
    await expect(look('http://inner.example/', { allowPrivate: true })).rejects.toMatchObject({
      code: 'webhook_url_refused',
    })
  })

  it('asks once for one name at a time, and anew the next time', async () => {
    let asked = 0
    const guard = createGuard({
      ...{ allowHttp: false, allowPrivate: false },
      async resolve() {
        asked += 1
        return ['8.8.8.8']
      },
    })
    const url = guard.parse('https://shop.example/')
    await Promise.all([guard.addressesOf(url), guard.addressesOf(url)])
    expect(asked).toBe(1)
    await guard.addressesOf(url)
    expect(asked).toBe(2)
  })
})
