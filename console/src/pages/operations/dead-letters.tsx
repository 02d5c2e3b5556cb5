import { useQuery } from '@tanstack/react-query'
import type { DeadLetter, SystemStatus } from 'fanfold/client'
import { useState } from 'react'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { useFilters } from '../../data/use-filters.ts'
import { Button } from '../../ui/button.tsx'
import { Card, Facts } from '../../ui/card.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { formatCount } from '../../ui/format.ts'
import { Async, Empty } from '../../ui/states.tsx'
import { type Column, Table } from '../../ui/table.tsx'
import { Json, Time } from '../../ui/values.tsx'
import { LaneFilters, laneOf } from './lane-filters.tsx'
import { Redrive } from './redrive.tsx'
import { LETTERS_KEY, useSystemState } from './use-state.ts'

/** The server has no pages here: what is beyond is seen once these are back at work. */
const SHOWN_MAX = 100

type Lane = SystemStatus['queue'][number]

/** What was given up on: where it lies, what it is and why, and its way back to work. */
export function DeadLetters() {
  const system = useSystemState()
  const { filters, setFilters } = useFilters(['topic', 'lane'])
  return (
    <Async of={system} what="Asking the queue">
      {({ queue }) => (
        <>
          <Lanes lanes={queue.filter(({ dead_letters }) => dead_letters > 0)} />
          <Letters lanes={queue} topic={filters.topic} lane={laneOf(filters.lane)} onFilter={setFilters} />
        </>
      )}
    </Async>
  )
}

function Lanes({ lanes }: { readonly lanes: readonly Lane[] }) {
  const { can } = useSession()
  const [asked, setAsked] = useState<Lane>()
  const columns: readonly Column<Lane>[] = [
    {
      header: 'Topic',
      cell: ({ topic, lane }) => (
        <Link href={`/?topic=${encodeURIComponent(topic)}&lane=${lane}`} className="mono">
          {topic}
        </Link>
      ),
    },
    { header: 'Lane', cell: ({ lane }) => lane },
    { header: 'Dead letters', cell: ({ dead_letters }) => formatCount(dead_letters), isNumber: true },
    ...(can('admin')
      ? [
          {
            header: 'Action',
            cell: (lane: Lane) => <Button onClick={() => setAsked(lane)}>Redrive</Button>,
          },
        ]
      : []),
  ]
  return (
    <>
      {lanes.length === 0 ? null : (
        <Card title="By topic and lane" bare>
          <Table
            label="Dead letters by topic and lane"
            columns={columns}
            rows={lanes}
            keyOf={({ topic, lane }) => `${topic} ${lane}`}
            empty={null}
          />
        </Card>
      )}
      {asked === undefined ? null : <Redrive {...asked} onClose={() => setAsked(undefined)} />}
    </>
  )
}

interface LettersProps {
  readonly lanes: readonly Lane[]
  readonly topic: string | undefined
  readonly lane: ReturnType<typeof laneOf>
  onFilter(filters: { readonly topic?: string; readonly lane?: string }): void
}

function Letters({ lanes, topic, lane, onFilter }: LettersProps) {
  const { client } = useSession()
  const [opened, setOpened] = useState<DeadLetter>()
  const letters = useQuery({
    queryKey: [...LETTERS_KEY, topic, lane],
    queryFn: ({ signal }) =>
      client.get('/v1/dead-letters', {
        params: {
          query: {
            limit: SHOWN_MAX,
            ...(topic === undefined ? {} : { topic }),
            ...(lane === undefined ? {} : { lane }),
          },
        },
        signal,
      }),
    refetchInterval: SLOW_MS,
  })
  const columns: readonly Column<DeadLetter>[] = [
    { header: 'Given up', cell: ({ died_at }) => <Time at={died_at} seconds /> },
    { header: 'Topic and lane', cell: (letter) => <code>{`${letter.topic} ${letter.lane}`}</code> },
    { header: 'Key', cell: ({ key }) => <code>{key}</code> },
    { header: 'Tries', cell: ({ attempts }) => attempts, isNumber: true },
    { header: 'Why', cell: ({ reason }) => <span className="operations-reason">{reason}</span> },
    {
      header: 'Message',
      cell: (letter) => (
        <Button kind="quiet" aria-label={`Open message ${letter.id}`} onClick={() => setOpened(letter)}>
          Open
        </Button>
      ),
    },
  ]
  return (
    <Card title="Dead letters" bare>
      <div className="card-body">
        <LaneFilters lanes={lanes} topic={topic} lane={lane} onFilter={onFilter} />
      </div>
      <Async of={letters}>
        {({ items }) => (
          <>
            <Table
              label="Dead letters"
              columns={columns}
              rows={items}
              keyOf={({ id, topic: of }) => `${of} ${id}`}
              empty={
                <Empty title={topic === undefined && lane === undefined ? 'No dead letters' : 'None here'}>
                  <p>A message that fails again and again is given up on, and shown here with its error.</p>
                </Empty>
              }
            />
            {items.length < SHOWN_MAX ? null : (
              <p className="table-foot">The newest {SHOWN_MAX}; older ones are shown when these are back at work.</p>
            )}
          </>
        )}
      </Async>
      {opened === undefined ? null : <Message letter={opened} onClose={() => setOpened(undefined)} />}
    </Card>
  )
}

function Message({ letter, onClose }: { readonly letter: DeadLetter; onClose(): void }) {
  return (
    <Dialog title="Dead letter" onClose={onClose}>
      <Facts
        of={[
          ['Message', <code key="id">{letter.id}</code>],
          ['Topic and lane', <code key="topic">{`${letter.topic} ${letter.lane}`}</code>],
          ['Key', <code key="key">{letter.key}</code>],
          ['Tries', letter.attempts],
          ['Given up', <Time key="died" at={letter.died_at} seconds />],
          ['Why', letter.reason],
        ]}
      />
      <h3>Payload</h3>
      <Json of={letter.payload} label="Payload of the message" />
    </Dialog>
  )
}
