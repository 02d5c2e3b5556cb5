import type { SystemStatus } from 'fanfold/client'
import { Field } from '../../ui/field.tsx'
import { FilterForm } from '../../ui/filter-form.tsx'

const NAMES = ['topic', 'lane'] as const
const LANES = ['small', 'bulk'] as const

export const laneOf = (text: string | undefined) => LANES.find((lane) => lane === text)

interface LaneFiltersProps {
  readonly lanes: readonly SystemStatus['queue'][number][]
  readonly topic: string | undefined
  readonly lane: string | undefined
  onFilter(filters: { readonly topic?: string; readonly lane?: string }): void
}

export function LaneFilters({ lanes, topic, lane, onFilter }: LaneFiltersProps) {
  const names = lanes.map((one) => one.topic)
  const topics = [...new Set(topic === undefined ? names : [...names, topic])].sort()
  const filters = { ...(topic === undefined ? {} : { topic }), ...(lane === undefined ? {} : { lane }) }
  return (
    <FilterForm label="Filter dead letters" names={NAMES} filters={filters} onFilter={onFilter}>
      <Field label="Topic">
        <select name="topic" defaultValue={topic ?? ''}>
          <option value="">Any</option>
          {topics.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </Field>
      <Field label="Lane">
        <select name="lane" defaultValue={lane ?? ''}>
          <option value="">Any</option>
          {LANES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </Field>
    </FilterForm>
  )
}
