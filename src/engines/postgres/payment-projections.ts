import type { Projection } from '../../log/port.ts'
import type { SqlTx } from '../sql/sql.ts'
import { paymentView } from './payment-projection-view.ts'
import { paymentSnapshots } from './payment-snapshots.ts'

export const PAYMENT_PROJECTIONS: readonly Projection<SqlTx>[] = [paymentView, paymentSnapshots]
