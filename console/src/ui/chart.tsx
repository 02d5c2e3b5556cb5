import 'uplot/dist/uPlot.min.css'
import { useEffect, useMemo, useRef, useState } from 'react'
import uPlot from 'uplot'
import { useSession } from '../data/session.tsx'
import { formatRate } from './format.ts'

export interface Series {
  readonly label: string
  /** One per time; `null` where nothing is known. */
  readonly values: readonly (number | null)[]
}

interface ChartProps {
  /** What the chart shows, for screen readers and as its caption. */
  readonly label: string
  /** In milliseconds, ascending. */
  readonly times: readonly number[]
  readonly series: readonly Series[]
  readonly format?: (value: number) => string
  readonly height?: number
  readonly bars?: boolean
}

const COLOURS = ['--series-1', '--series-2', '--series-3', '--series-4', '--series-5'] as const

const colourOf = (name: string) => {
  // A canvas knows no light-dark(): an element is asked what the colour is here and now.
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}

/** Room for the labels of an axis, in pixels; uPlot asks before there are any, too. */
const widthOf = (labels: readonly string[] | null) =>
  Math.max(62, ...(labels ?? []).map((label) => 14 + label.length * 7))

const DAY_S = 86_400
const TIME_LABELS: readonly (readonly [fromS: number, parts: Intl.DateTimeFormatOptions])[] = [
  [28 * DAY_S, { month: 'short', year: 'numeric' }],
  [DAY_S, { day: 'numeric', month: 'short' }],
  [60, { hour: '2-digit', minute: '2-digit' }],
  [0, { hour: '2-digit', minute: '2-digit', second: '2-digit' }],
]

/** Labels of the axis of time, as short as the distance between them allows, in the zone of the store. */
function timeLabels(timeZone: string): uPlot.Axis.DynamicValues {
  const formats = TIME_LABELS.map(([fromS, parts]) => {
    return { fromS, format: new Intl.DateTimeFormat('en-GB', { ...parts, timeZone }) }
  })
  return (_plot, splits, _axis, _space, incrementS) => {
    const { format } = formats.find(({ fromS }) => incrementS >= fromS)!
    return splits.map((seconds) => format.format(seconds * 1_000))
  }
}

/** Changes whenever the colours do. */
function useThemeMark(): number {
  const [mark, setMark] = useState(0)
  useEffect(() => {
    const change = () => setMark((before) => before + 1)
    const media = window.matchMedia('(prefers-color-scheme: dark)')
    media.addEventListener('change', change)
    const watcher = new MutationObserver(change)
    watcher.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    return () => {
      media.removeEventListener('change', change)
      watcher.disconnect()
    }
  }, [])
  return mark
}

/** Lines (or bars) over time; the newest values stand in the legend, so that nothing is told by colour alone. */
export function Chart({ label, times, series, format = formatRate, height = 176, bars = false }: ChartProps) {
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot>(undefined)
  const { settings } = useSession()
  const mark = useThemeMark()
  const data = useMemo(
    () => [times.map((at) => at / 1_000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData,
    [times, series],
  )
  const newest = useRef(data)
  newest.current = data
  const names = series.map((one) => one.label).join('\n')
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme means new colours
  useEffect(() => {
    const element = box.current
    if (element === null) return
    const line = colourOf('--line')
    const ink = colourOf('--ink-soft')
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } }
    plot.current = new uPlot(
      {
        width: element.clientWidth,
        height,
        legend: { show: false },
        cursor: { drag: { setScale: false } },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), settings.store_time_zone),
        scales: { y: { range: (_plot, low, high) => [Math.min(0, low * 1.1), Math.max(1, high * 1.1)] } },
        axes: [
          { ...axis, space: 70, values: timeLabels(settings.store_time_zone) },
          {
            ...axis,
            size: (_plot, values) => widthOf(values),
            values: (_plot, values) => values.map((value) => format(value)),
          },
        ],
        series: [
          {},
          ...names.split('\n').map((name, n) => {
            const stroke = colourOf(COLOURS[n % COLOURS.length]!)
            return {
              label: name,
              stroke,
              width: 2,
              points: { show: false },
              ...(bars ? { fill: stroke, paths: uPlot.paths.bars!({ size: [0.7, 40] }) } : {}),
            }
          }),
        ],
      },
      newest.current,
      element,
    )
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
    resized.observe(element)
    return () => {
      resized.disconnect()
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [names, height, bars, format, settings.store_time_zone, mark])
  useEffect(() => plot.current?.setData(data), [data])
  const latest = series.map(({ values }) => values.findLast((value) => value !== null) ?? undefined)
  const words = series.map((one, n) => `${one.label}: ${latest[n] === undefined ? 'none' : format(latest[n])}`)
  return (
    <figure>
      <div
        className="chart"
        ref={box}
        role="img"
        aria-label={`${label}. Newest: ${words.join(', ')}`}
        style={{ height }}
      />
      <figcaption className="legend">
        {series.map((one, n) => (
          <span key={one.label}>
            <span className="legend-key" style={{ background: `var(${COLOURS[n % COLOURS.length]})` }} />
            {words[n]}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}
