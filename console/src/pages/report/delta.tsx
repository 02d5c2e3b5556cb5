import { formatCount, formatMoney } from '../../ui/format.ts'

const percent = new Intl.NumberFormat('en', { style: 'percent', maximumFractionDigits: 1, signDisplay: 'always' })

interface DeltaProps {
  readonly now: number
  readonly before: number
  /** Of amounts; without it they are counts. */
  readonly currency?: string
}

/** What changed since the period before: a sign and words, so that nothing is told by colour alone. */
export function Delta({ now, before, currency }: DeltaProps) {
  const show = (value: number) => (currency === undefined ? formatCount(value) : formatMoney(value, currency))
  const words = now > before ? 'more than' : now < before ? 'less than' : 'the same as'
  const share = now === before || before <= 0 ? '' : `${percent.format((now - before) / before)}, `
  return (
    <span className="delta" data-way={now > before ? 'up' : now < before ? 'down' : 'same'}>
      {before === 0 ? 'none before' : `${share}${words} ${show(before)} before`}
    </span>
  )
}
