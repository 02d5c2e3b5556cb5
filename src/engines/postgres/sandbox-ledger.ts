import type { IdMaker } from '../../core/ids.ts'
import type { OperationKind } from '../../payments/model/events.ts'
import type { SandboxCharge, SandboxEntry, SandboxLedger } from '../../payments/ports/sandbox-ledger.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'

const CHARGE_COLUMNS =
  'reference, payment_intent_id, token, currency, status, requested, authorized, captured, refunded'
const ENTRY_COLUMNS =
  'entry_id, key, kind, reference, payment_intent_id, amount, currency, status, code, message, created_at'

/** The row lock makes a second request with the same key wait for the first. */
const TAKE_KEY = `
insert into sandbox_keys (key, expires_at) values ($1, $2)
on conflict (key) do update set expires_at = excluded.expires_at where sandbox_keys.expires_at <= $3
returning key`

// Already expired, so that it only marks that the key was seen.
const LOSE = `
insert into sandbox_keys (key, expires_at) values ('lost:' || $1::text, timestamptz '1970-01-01') on conflict do nothing returning key`

const CHARGE = `select ${CHARGE_COLUMNS} from sandbox_charges where reference = $1`
const LOCK_CHARGE = `${CHARGE} for update`
const LAST_ENTRY = `select ${ENTRY_COLUMNS} from sandbox_entries where key = $1 order by entry_id desc limit 1`
const LOCK_LAST_ENTRY = `${LAST_ENTRY} for update`
const COUNT_ENTRIES = 'select count(*)::int as count from sandbox_entries where key = $1'
const ENTRIES_OF = `select ${ENTRY_COLUMNS} from sandbox_entries where key = any($1) order by key, entry_id`
const ENTRIES = `select ${ENTRY_COLUMNS} from sandbox_entries where entry_id > $1 order by entry_id limit $2`

const PUT_CHARGE = `
insert into sandbox_charges (${CHARGE_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (reference) do update set status = excluded.status, authorized = excluded.authorized,
  captured = excluded.captured, refunded = excluded.refunded`

const ADD_ENTRY = `insert into sandbox_entries (${ENTRY_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
const SETTLE_ENTRY = 'update sandbox_entries set status = $2, amount = $3, code = $4, message = $5 where entry_id = $1'

interface ChargeRow {
  reference: string
  payment_intent_id: string
  token: string
  currency: string
  status: string
  requested: bigint
  authorized: bigint
  captured: bigint
  refunded: bigint
}

interface EntryRow {
  entry_id: bigint
  key: string
  kind: string
  reference: string
  payment_intent_id: string
  amount: bigint
  currency: string
  status: string
  code: string | null
  message: string | null
  created_at: Date
}

function toCharge({ payment_intent_id, status, ...row }: ChargeRow): SandboxCharge {
  return { ...row, paymentIntentId: payment_intent_id, status: status as SandboxCharge['status'] }
}

function toEntry(row: EntryRow): SandboxEntry {
  return {
    key: row.key,
    kind: row.kind as OperationKind,
    reference: row.reference,
    paymentIntentId: row.payment_intent_id,
    amount: row.amount,
    currency: row.currency,
    status: row.status as SandboxEntry['status'],
    code: row.code ?? undefined,
    message: row.message ?? undefined,
    createdAtMs: row.created_at.getTime(),
  }
}

async function putCharge(tx: SqlTx, charge: SandboxCharge): Promise<void> {
  const { reference, paymentIntentId, token, currency, status, requested, authorized, captured, refunded } = charge
  await tx.query(PUT_CHARGE, [
    reference,
    paymentIntentId,
    token,
    currency,
    status,
    requested,
    authorized,
    captured,
    refunded,
  ])
}

async function addEntry(tx: SqlTx, entryId: bigint, entry: SandboxEntry): Promise<void> {
  const { key, kind, reference, paymentIntentId, amount, currency, status, code, message, createdAtMs } = entry
  const params = [
    entryId,
    key,
    kind,
    reference,
    paymentIntentId,
    amount,
    currency,
    status,
    code,
    message,
    new Date(createdAtMs),
  ]
  await tx.query(ADD_ENTRY, params)
}

export function openSandboxLedger(sql: SqlClient, ids: IdMaker): SandboxLedger {
  return {
    post: ({ key, reference }, { nowMs, expiresAtMs }, decide) =>
      sql.transaction(async (tx) => {
        if ((await tx.query(TAKE_KEY, [key, new Date(expiresAtMs), new Date(nowMs)])).length === 0) {
          const [stored] = await tx.query<EntryRow>(LAST_ENTRY, [key])
          if (stored === undefined) throw new Error(`the sandbox has key ${key} but no entry`)
          return toEntry(stored)
        }
        const [charge] = reference === undefined ? [] : await tx.query<ChargeRow>(LOCK_CHARGE, [reference])
        const [earlier] = await tx.query<{ count: number }>(COUNT_ENTRIES, [key])
        const effect = decide(charge === undefined ? undefined : toCharge(charge), earlier?.count ?? 0)
        if (effect.charge !== undefined) await putCharge(tx, effect.charge)
        await addEntry(tx, ids.next(0), effect.entry)
        return effect.entry
      }),
    async lose(key) {
      return (await sql.query(LOSE, [key])).length === 1
    },
    async charge(reference) {
      const [row] = await sql.query<ChargeRow>(CHARGE, [reference])
      return row === undefined ? undefined : toCharge(row)
    },
    async find(key) {
      const [row] = await sql.query<EntryRow>(LAST_ENTRY, [key])
      return row === undefined ? undefined : toEntry(row)
    },
    settle: (key, decide) =>
      sql.transaction(async (tx) => {
        const [row] = await tx.query<EntryRow>(LOCK_LAST_ENTRY, [key])
        if (row === undefined || (row.status !== 'pending' && row.status !== 'requires_action')) return undefined
        const [charge] = await tx.query<ChargeRow>(LOCK_CHARGE, [row.reference])
        if (charge === undefined) throw new Error(`the sandbox has entry ${key} but no charge ${row.reference}`)
        const effect = decide(toEntry(row), toCharge(charge))
        if (effect.charge !== undefined) await putCharge(tx, effect.charge)
        const { status, amount, code, message } = effect.entry
        await tx.query(SETTLE_ENTRY, [row.entry_id, status, amount, code, message])
        return effect.entry
      }),
    async entriesOf(keys) {
      return (await sql.query<EntryRow>(ENTRIES_OF, [[...keys]])).map(toEntry)
    },
    async entries(after, limit) {
      return (await sql.query<EntryRow>(ENTRIES, [after, limit])).map((row) => ({
        entryId: row.entry_id,
        entry: toEntry(row),
      }))
    },
  }
}
