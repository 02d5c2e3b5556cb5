import { describe, expect, it } from 'vitest'
import { closedSandboxes } from '../../src/app/parts/processors.ts'
import type { Processors } from '../../src/payments/processing/operations.ts'
import type { Processor } from '../../src/payments/processing/processor.ts'
import { routeOf } from '../../src/payments/processing/routing.ts'

const known = (name: string) => [name, { name, capabilities: {} } as Processor] as const
const processors: Processors = new Map([known('sandbox'), known('stripe')])
const asked = (processor: string | undefined) => ({
  ...{ amount: 100n, currency: 'USD', paymentMethod: { type: 'card', token: 't' }, processor },
})

describe('the sandbox', () => {
  it('is open where it is the default, or a route names it', () => {
    expect(closedSandboxes(['sandbox'], [], 'sandbox')).toEqual([])
    expect(closedSandboxes(['sandbox'], [{ processors: ['stripe', 'sandbox'] }], 'stripe')).toEqual([])
  })

  it('takes no new payments where another processor does and nobody has asked for it', () => {
    const closedProcessors = closedSandboxes(['sandbox'], [{ processors: ['stripe'] }], 'stripe')
    expect(closedProcessors).toEqual(['sandbox'])
    const deps = { processors, routes: [], defaultProcessor: 'stripe', closedProcessors }
    expect(() => routeOf(asked('sandbox'), deps)).toThrow(expect.objectContaining({ code: 'processor_not_found' }))
    expect(routeOf(asked(undefined), deps)).toEqual(['stripe'])
  })
})
