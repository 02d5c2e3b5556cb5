import type { PaymentProof } from '../../payments/ports/proof.ts'
import type { SqlClient } from '../sql/sql.ts'
import { openSealStore } from './log-seals.ts'
import { EVENT_COLUMNS, type EventRow, toStoredEvent } from './payment-rows.ts'

const EVENTS = `
select ${EVENT_COLUMNS} from payment_events
where shard = $1 and event_id > $2 and event_id <= $3 order by event_id limit $4`

export function openPaymentProof(sql: SqlClient): PaymentProof {
  return {
    seals: openSealStore(sql, 'payments'),
    async events(shard, after, upTo, limit) {
      return (await sql.query<EventRow>(EVENTS, [shard, after, upTo, limit])).map(toStoredEvent)
    },
  }
}
