import type { SettlementItem } from 'fanfold/client'
import { Badge } from '../../ui/badge.tsx'
import type { Column } from '../../ui/table.tsx'
import { Money, Time } from '../../ui/values.tsx'
import { None, PaymentLink } from './links.tsx'
import { ItemResult } from './statuses.tsx'

const money = (minor: number | null, currency: string | null) =>
  minor === null || currency === null ? <None /> : <Money minor={minor} currency={currency} />

/** A line of the file beside what is recorded here. */
export const ITEM_COLUMNS: readonly Column<SettlementItem>[] = [
  { header: 'Line', isNumber: true, cell: (item) => item.line ?? <None /> },
  {
    header: 'Result',
    cell: (item) => (
      <span className="row">
        <ItemResult of={item.result} />
        {item.differences.map((difference) => (
          <Badge key={difference}>{difference}</Badge>
        ))}
      </span>
    ),
  },
  { header: 'Type', cell: (item) => item.type },
  { header: 'In the file', isNumber: true, cell: (item) => money(item.amount, item.currency) },
  { header: 'Recorded here', isNumber: true, cell: (item) => money(item.expected_amount, item.expected_currency) },
  { header: 'Fee', isNumber: true, cell: (item) => money(item.fee, item.currency) },
  {
    header: 'Payment',
    cell: (item) => (item.payment_intent_id === null ? <None /> : <PaymentLink id={item.payment_intent_id} />),
  },
  {
    header: 'Operation or dispute',
    cell: (item) => <span className="mono">{item.op_id ?? item.dispute_id ?? item.reference ?? ''}</span>,
  },
  { header: 'Happened', cell: (item) => <Time at={item.occurred_at} /> },
]
