import type { SystemFigures } from 'fanfold/client'
import { useMemo } from 'react'
import { Card } from '../../ui/card.tsx'
import { Chart, type Series } from '../../ui/chart.tsx'
import { formatCount, formatDuration } from '../../ui/format.ts'
import { type History, ratesOf, type Sample } from './history.ts'

const HEIGHT_PX = 150

interface Plot {
  readonly title: string
  readonly series: readonly Series[]
  readonly format?: (value: number) => string
}

function plotsOf(history: History): Plot[] {
  const rates = (label: string, counter: (figures: SystemFigures) => number) => ({
    label,
    values: ratesOf(history, counter),
  })
  const values = (label: string, read: (sample: Sample) => number | null) => ({
    label,
    values: history.samples.map(read),
  })
  return [
    {
      title: 'Requests per second',
      series: [rates('Requests', (now) => now.requests), rates('Failed (5xx)', (now) => now.request_errors)],
    },
    {
      title: 'Time of answers',
      series: [
        values('p50', ({ figures }) => figures.request_p50_ms),
        values('p99', ({ figures }) => figures.request_p99_ms),
      ],
      format: formatDuration,
    },
    { title: 'Deliveries per second', series: [rates('To timelines', (now) => now.fanout_deliveries)] },
    {
      title: 'Fan-out staleness',
      series: [
        values('p50', ({ figures }) => figures.fanout_staleness_p50_ms),
        values('p99', ({ figures }) => figures.fanout_staleness_p99_ms),
      ],
      format: formatDuration,
    },
    {
      title: 'Events per second',
      series: [rates('Appended', (now) => now.appended_events), rates('Projected', (now) => now.projected_events)],
    },
    {
      title: 'What waits',
      series: [
        values('Projection lag, events', ({ lag }) => lag),
        values('Queue depth, messages', ({ depth }) => depth),
        values('Posts to fan out', ({ figures }) => figures.fanout_backlog_posts),
      ],
      format: formatCount,
    },
  ]
}

/** The last 15 minutes, live. */
export function Charts({ history }: { readonly history: History }) {
  const times = useMemo(() => history.samples.map(({ atMs }) => atMs), [history])
  const plots = useMemo(() => plotsOf(history), [history])
  return (
    <div className="grid overview-charts">
      {plots.map(({ title, series, format }) => (
        <Card key={title} title={title}>
          <Chart
            label={`${title}, last 15 minutes`}
            times={times}
            series={series}
            height={HEIGHT_PX}
            {...(format === undefined ? {} : { format })}
          />
        </Card>
      ))}
    </div>
  )
}
