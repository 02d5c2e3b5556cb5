import type { StockMove } from 'fanfold/client'
import { Link } from 'wouter'
import { SLOW_MS } from '../../data/queries.ts'
import { useSession } from '../../data/session.tsx'
import { PAGE_ROWS, useList } from '../../data/use-list.ts'
import { Card } from '../../ui/card.tsx'
import { formatCount } from '../../ui/format.ts'
import { ListTable } from '../../ui/list-table.tsx'
import { Empty } from '../../ui/states.tsx'
import type { Column } from '../../ui/table.tsx'
import { Time } from '../../ui/values.tsx'

/** With its sign, which tells more than a colour. */
const signed = (units: number) => (units > 0 ? `+${formatCount(units)}` : formatCount(units))

const BY_ORDERS = new Set<StockMove['kind']>(['reserve', 'release', 'ship', 'return'])

const COLUMNS: readonly Column<StockMove>[] = [
  { header: 'When', cell: ({ moved_at: at }) => <Time at={at} seconds /> },
  { header: 'Kind', cell: ({ kind }) => kind },
  { header: 'On hand', cell: ({ on_hand_delta: units }) => signed(units), isNumber: true },
  { header: 'Reserved', cell: ({ reserved_delta: units }) => signed(units), isNumber: true },
  { header: 'Location', cell: ({ location_id: id }) => <span className="mono">{id}</span> },
  {
    header: 'Source',
    cell: ({ kind, source_id: id, source_version: version }) =>
      BY_ORDERS.has(kind) ? (
        <Link className="mono" href={`~/console/orders/${id}?version=${version}`}>
          order {id}, version {version}
        </Link>
      ) : (
        <span className="mono">
          {kind === 'adjust' ? 'by hand' : 'cart hold'} {id}
        </span>
      ),
  },
  { header: 'Who', cell: ({ actor }) => <span className="mono">{actor}</span> },
]

/** Every change of the stock; their sums are the levels. */
export function StockMoves({ productId }: { readonly productId: string }) {
  const { client } = useSession()
  const list = useList<StockMove>(
    ['products', productId, 'moves'],
    (cursor, signal) => {
      const query = { limit: PAGE_ROWS, ...(cursor === undefined ? {} : { cursor }) }
      const path = { product_id: productId }
      return client.get('/v1/products/{product_id}/stock/moves', { params: { path, query }, signal })
    },
    { refetchMs: SLOW_MS },
  )
  return (
    <Card title="Stock moves" bare>
      <ListTable
        list={list}
        what="Loading moves"
        label="Stock moves, newest first"
        columns={COLUMNS}
        keyOf={(move) => `${move.kind} ${move.source_id} ${move.source_version} ${move.location_id}`}
        empty={<Empty title="The stock has never moved" />}
      />
    </Card>
  )
}
