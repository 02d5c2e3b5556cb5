import cassandra from 'cassandra-driver'
import { describe, expect, it } from 'vitest'
import { failureKind } from '../../src/core/retry.ts'
import { failureOf } from '../../src/engines/cassandra/failure.ts'

/** As the driver (4.10) fails the requests of a connection that broke. */
const closed = () => Object.assign(new Error('Socket was closed'), { name: 'DriverError', isSocketError: true })
const noHost = (...errors: Error[]) =>
  new cassandra.errors.NoHostAvailableError(Object.fromEntries(errors.map((error, node) => [`node-${node}`, error])))

describe('failures of Cassandra', () => {
  it('of a connection that broke under a request leave open whether it happened', () => {
    expect(failureKind(failureOf(closed()))).toBe('ambiguous')
    expect(failureKind(failureOf(noHost(new Error('refused'), closed())))).toBe('ambiguous')
  })

  it('without a request that was sent say that nothing happened', () => {
    expect(failureKind(failureOf(noHost(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }))))).toBe('unreachable')
    expect(failureKind(failureOf(noHost()))).toBe('unreachable')
  })
})
