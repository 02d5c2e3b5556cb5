import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/core/metrics.ts'

describe('createMetrics', () => {
  it('keeps two apps in one process apart', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.appendedEvents.inc({ log: 'orders' }, 3)
    expect(await one.registry.metrics()).toContain('fanfold_appended_events_total{log="orders"} 3')
    expect(await other.registry.metrics()).not.toContain('log="orders"')
  })

  it('names every figure after Fanfold, says what it is, and counts seconds in seconds', async () => {
    const metrics = createMetrics()
    metrics.collectProcess()
    for (const metric of await metrics.registry.getMetricsAsJSON()) {
      expect(metric.name).toMatch(/^fanfold_[a-z0-9_]+$/)
      expect(metric.help.length).toBeGreaterThan(5)
    }
  })

  it('has no label whose values are without end', async () => {
    const metrics = createMetrics()
    const labels = Object.values(metrics).flatMap((each) =>
      typeof each === 'object' && 'labelNames' in each ? (each.labelNames as string[]) : [],
    )
    expect(labels.filter((label) => label.endsWith('_id') || label === 'id' || label === 'url')).toEqual([])
    expect(labels.length).toBeGreaterThan(0)
  })
})
