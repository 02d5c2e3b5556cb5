import { useEffect, useState } from 'react'
import { Badge } from '../../ui/badge.tsx'
import { formatDuration } from '../../ui/format.ts'
import { Time } from '../../ui/values.tsx'
import { None } from './links.tsx'

const SOON_MS = 3 * 86_400_000
const TICK_MS = 30_000

function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS)
    return () => clearInterval(timer)
  }, [])
  return now
}

/** Until when evidence is looked at, and how much time is left; what no longer waits has no deadline. */
export function Deadline({ dueBy, status }: { readonly dueBy: string | null; readonly status: string }) {
  const now = useNow()
  if (dueBy === null) return <None />
  if (status !== 'needs_response') return <Time at={dueBy} />
  const leftMs = Date.parse(dueBy) - now
  const tone = leftMs < 0 ? 'bad' : leftMs < SOON_MS ? 'warn' : 'plain'
  return (
    <span className="row">
      <Time at={dueBy} />
      <Badge tone={tone}>
        {leftMs < 0 ? `overdue by ${formatDuration(-leftMs)}` : `${formatDuration(leftMs)} left`}
      </Badge>
    </span>
  )
}
