import { useQuery } from '@tanstack/react-query'
import type { Stock } from 'fanfold/client'
import type { ComponentProps } from 'react'
import { useSession } from '../../data/session.tsx'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { Async, Empty } from '../../ui/states.tsx'
import { Table } from '../../ui/table.tsx'

type StockQuestion = ComponentProps<typeof Async<Stock>>['of']

export function useLocations() {
  const { client } = useSession()
  return useQuery({
    queryKey: ['locations'],
    queryFn: ({ signal }) => client.get('/v1/locations', { signal }),
    staleTime: 60_000,
  })
}

export function StockLocations({ stock }: { readonly stock: StockQuestion }) {
  const locations = useLocations()
  const nameOf = (id: string) => locations.data?.items.find(({ location_id }) => location_id === id)?.name
  return (
    <Card title="Stock by location" bare>
      <Async of={stock} what="Loading stock">
        {(found) => (
          <Table
            label="Stock by location"
            columns={[
              {
                header: 'Location',
                cell: ({ location_id: id }) => (
                  <>
                    {nameOf(id) ?? id} <span className="mono small soft">{id}</span>
                  </>
                ),
              },
              { header: 'On hand', cell: ({ on_hand: units }) => formatCount(units), isNumber: true },
              { header: 'Reserved', cell: ({ reserved: units }) => formatCount(units), isNumber: true },
              { header: 'Available', cell: ({ available: units }) => formatCount(units), isNumber: true },
            ]}
            rows={found.locations}
            keyOf={({ location_id: id }) => id}
            empty={
              <Empty title="No stock anywhere">
                <p>Set the units on hand with “Set stock”.</p>
              </Empty>
            }
          />
        )}
      </Async>
    </Card>
  )
}
