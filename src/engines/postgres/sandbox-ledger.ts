import type { IdMaker } from '../../core/ids.ts'
import { fromMinor } from '../../core/money.ts'
import type { OperationKind } from '../../payments/model/events.ts'
import type {
  SandboxCharge,
  SandboxDispute,
  SandboxDue,
  SandboxEffect,
  SandboxEntry,
  SandboxLedger,
} from '../../payments/ports/sandbox-ledger.ts'
import type { SqlClient, SqlTx } from '../sql/sql.ts'

const CHARGE_COLUMNS =
  'reference, processor, key, payment_intent_id, token, currency, status, requested, authorized, captured, refunded, expires_at, dispute'
const ENTRY_COLUMNS =
  'entry_id, processor, key, kind, reference, charge, payment_intent_id, amount, currency, status, code, message, expires_at, created_at'

/** The row lock makes a second request with the same key wait for the first. */
const TAKE_KEY = `
insert into sandbox_keys (processor, key, expires_at) values ($1, $2, $3)
on conflict (processor, key) do update set expires_at = excluded.expires_at where sandbox_keys.expires_at <= $4
returning key`

// Already expired, so that it only marks that the key was seen.
const LOSE = `
insert into sandbox_keys (processor, key, expires_at) values ('(lost)', $1, timestamptz '1970-01-01')
on conflict do nothing returning key`

const CHARGE = `select ${CHARGE_COLUMNS} from sandbox_charges where reference = $1`
const LOCK_CHARGE = `${CHARGE} for update`
const LAST_ENTRY = `
select ${ENTRY_COLUMNS} from sandbox_entries where key = $1 and ($2::text is null or processor = $2)
order by entry_id desc limit 1`
const COUNT_ENTRIES = 'select count(*)::int as count from sandbox_entries where key = $1 and processor = $2'
const ENTRIES_OF = `select ${ENTRY_COLUMNS} from sandbox_entries where key = any($1) order by key, entry_id`
const ENTRIES = `select ${ENTRY_COLUMNS} from sandbox_entries where entry_id > $1 order by entry_id limit $2`

const PUT_CHARGE = `
insert into sandbox_charges (${CHARGE_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
on conflict (reference) do update set status = excluded.status, requested = excluded.requested,
  authorized = excluded.authorized, captured = excluded.captured, refunded = excluded.refunded,
  expires_at = excluded.expires_at, dispute = excluded.dispute`

const ADD_ENTRY = `
insert into sandbox_entries (${ENTRY_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
const CHANGE_ENTRY = `
update sandbox_entries set status = $3, amount = $4, code = $5, message = $6, expires_at = $7
where entry_id = (select max(entry_id) from sandbox_entries where key = $1 and processor = $2)`

const ADD_DUE = `
insert into sandbox_dues (processor, due_id, due_at, deed) values ($1, $2, $3, $4) on conflict do nothing`
const CLAIM_DUES = `
with due as (
  select processor, due_id from sandbox_dues where processor = $1 and due_at <= $2 order by due_at, number limit $4
  for update skip locked),
claimed as (
  update sandbox_dues d set due_at = $3 from due where d.processor = due.processor and d.due_id = due.due_id
  returning d.due_id, d.processor, d.deed, d.number)
select c.due_id, c.processor, c.deed, d.due_at
from claimed c join sandbox_dues d on d.processor = c.processor and d.due_id = c.due_id
order by d.due_at, c.number`
const FINISH_DUES = 'delete from sandbox_dues where processor = $1 and due_id = any($2)'

interface ChargeRow {
  reference: string
  processor: string
  key: string
  payment_intent_id: string
  token: string
  currency: string
  status: string
  requested: bigint
  authorized: bigint
  captured: bigint
  refunded: bigint
  expires_at: Date | null
  dispute: (Omit<SandboxDispute, 'amount'> & { amount: number }) | null
}

interface EntryRow {
  entry_id: bigint
  processor: string
  key: string
  kind: string
  reference: string
  charge: string | null
  payment_intent_id: string
  amount: bigint
  currency: string
  status: string
  code: string | null
  message: string | null
  expires_at: Date | null
  created_at: Date
}

interface DueRow {
  due_id: string
  processor: string
  due_at: Date
  deed: Record<string, unknown>
}

function toCharge({ payment_intent_id, status, expires_at, dispute, ...row }: ChargeRow): SandboxCharge {
  return {
    ...row,
    paymentIntentId: payment_intent_id,
    status: status as SandboxCharge['status'],
    expiresAtMs: expires_at?.getTime(),
    dispute: dispute === null ? undefined : { ...dispute, amount: BigInt(dispute.amount) },
  }
}

function toEntry(row: EntryRow): SandboxEntry {
  return {
    processor: row.processor,
    key: row.key,
    kind: row.kind as OperationKind,
    reference: row.reference,
    charge: row.charge ?? undefined,
    paymentIntentId: row.payment_intent_id,
    amount: row.amount,
    currency: row.currency,
    status: row.status as SandboxEntry['status'],
    code: row.code ?? undefined,
    message: row.message ?? undefined,
    expiresAtMs: row.expires_at?.getTime(),
    createdAtMs: row.created_at.getTime(),
  }
}

const timeOrNull = (ms: number | undefined): Date | null => (ms === undefined ? null : new Date(ms))

async function putCharge(tx: SqlTx, charge: SandboxCharge): Promise<void> {
  const { reference, processor, key, paymentIntentId, token, currency, status, dispute } = charge
  await tx.query(PUT_CHARGE, [
    ...[reference, processor, key, paymentIntentId, token, currency, status],
    ...[charge.requested, charge.authorized, charge.captured, charge.refunded, timeOrNull(charge.expiresAtMs)],
    dispute === undefined ? null : { ...dispute, amount: fromMinor(dispute.amount) },
  ])
}

async function addEntry(tx: SqlTx, entryId: bigint, entry: SandboxEntry): Promise<void> {
  const { processor, key, kind, reference, charge, paymentIntentId, amount, currency, status, code, message } = entry
  await tx.query(ADD_ENTRY, [
    ...[entryId, processor, key, kind, reference, charge, paymentIntentId, amount, currency, status, code, message],
    ...[timeOrNull(entry.expiresAtMs), new Date(entry.createdAtMs)],
  ])
}

async function changeEntry(tx: SqlTx, entry: SandboxEntry): Promise<void> {
  const { key, processor, status, amount, code, message, expiresAtMs } = entry
  await tx.query(CHANGE_ENTRY, [key, processor, status, amount, code, message, timeOrNull(expiresAtMs)])
}

/** All of an effect but its own entry. */
async function putAround(tx: SqlTx, { charge, changes = [], dues = [] }: SandboxEffect): Promise<void> {
  if (charge !== undefined) await putCharge(tx, charge)
  for (const entry of changes) await changeEntry(tx, entry)
  for (const { processor, dueId, dueAtMs, deed } of dues)
    await tx.query(ADD_DUE, [processor, dueId, new Date(dueAtMs), deed])
}

const toDue = (row: DueRow): SandboxDue => ({
  dueId: row.due_id,
  processor: row.processor,
  dueAtMs: row.due_at.getTime(),
  deed: row.deed,
})

export function openSandboxLedger(sql: SqlClient, ids: IdMaker): SandboxLedger {
  const lastEntry = async (via: Pick<SqlTx, 'query'>, key: string, processor?: string) => {
    const [row] = await via.query<EntryRow>(LAST_ENTRY, [key, processor ?? null])
    return row === undefined ? undefined : toEntry(row)
  }
  const lockCharge = async (tx: SqlTx, reference: string | undefined) => {
    const [row] = reference === undefined ? [] : await tx.query<ChargeRow>(LOCK_CHARGE, [reference])
    return row === undefined ? undefined : toCharge(row)
  }

  return {
    post: ({ processor, key, reference }, { nowMs, expiresAtMs }, decide) =>
      sql.transaction(async (tx) => {
        if ((await tx.query(TAKE_KEY, [processor, key, new Date(expiresAtMs), new Date(nowMs)])).length === 0) {
          const stored = await lastEntry(tx, key, processor)
          if (stored === undefined) throw new Error(`the sandbox has key ${key} but no entry`)
          return stored
        }
        const charge = await lockCharge(tx, reference)
        const [earlier] = await tx.query<{ count: number }>(COUNT_ENTRIES, [key, processor])
        const effect = decide(charge, earlier?.count ?? 0)
        await putAround(tx, effect)
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
    find: (key, processor) => lastEntry(sql, key, processor),
    change: ({ key, processor }, decide) =>
      sql.transaction(async (tx) => {
        // The charge is the lock of all its entries, so the entry is read again once it is held.
        const charge = await lockCharge(tx, (await lastEntry(tx, key, processor))?.charge)
        const entry = charge === undefined ? undefined : await lastEntry(tx, key, processor)
        if (charge === undefined || entry === undefined) return undefined
        const effect = decide(entry, charge)
        if (effect === undefined) return undefined
        await putAround(tx, effect)
        await changeEntry(tx, effect.entry)
        return effect
      }),
    async claimDues(processor, nowMs, leaseUntilMs, limit) {
      const params = [processor, new Date(nowMs), new Date(leaseUntilMs), limit]
      return (await sql.query<DueRow>(CLAIM_DUES, params)).map(toDue)
    },
    async finishDues(processor, dueIds) {
      if (dueIds.length > 0) await sql.query(FINISH_DUES, [processor, [...dueIds]])
    },
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
