import { AppError } from '../../core/errors.ts'
import { INSUFFICIENT_PRIVILEGE, type SqlClient, type SqlTx, sqlState } from '../sql/sql.ts'

/**
 * Database roles by what a process is for, so that no single login can rewrite the books unseen: the writer appends to the
 * logs and can't change them, the projector can't append, the auditor only reads. Nobody but the owner truncates.
 */
export const ROLES = ['writer', 'projector', 'auditor'] as const
export type Role = (typeof ROLES)[number]

const READ = ['select'] as const
const APPEND = ['select', 'insert'] as const
const CHANGE = ['select', 'insert', 'update', 'delete'] as const
type Grant = 'select' | 'insert' | 'update' | 'delete'

interface TableClass {
  readonly grants: Readonly<Record<Role, readonly Grant[]>>
  readonly tables: readonly string[]
}

/** Every table of the schema, by who may do what with it. A table that is missing here can't be used by any of the roles. */
export const TABLE_CLASSES = {
  /** Written once, for good. */
  log: {
    grants: { writer: APPEND, projector: READ, auditor: READ },
    tables: ['payment_events', 'order_history', 'log_seals', 'product_prices', 'stock_moves'],
  },
  /** Numbers of events: those that are there only ever rise. */
  heads: { grants: { writer: ['select', 'update'], projector: READ, auditor: READ }, tables: ['log_head'] },
  /** What is folded from the logs, and can be folded again. */
  readModel: {
    grants: { writer: READ, projector: CHANGE, auditor: READ },
    tables: [
      ...['payment_view_gen', 'customer_transactions_gen', 'payment_disputes_gen', 'payment_snapshots_gen'],
      ...['ledger_entries_gen', 'ledger_balances_gen', 'payment_daily_gen'],
      ...['daily_sales_report_gen', 'daily_sales_report_gen_default', 'sales_rollups'],
      ...['projections', 'projection_checkpoints', 'projection_quarantine'],
    ],
  },
  /** A read model with names in it, from which erasing a customer takes them. */
  searched: {
    grants: { writer: CHANGE, projector: CHANGE, auditor: READ },
    tables: ['order_search', 'order_search_words'],
  },
  state: {
    grants: { writer: CHANGE, projector: READ, auditor: READ },
    tables: [
      ...['id_nodes', 'store_move_acks', 'idempotency_keys', 'queue_messages', 'queue_dead_letters'],
      ...['users', 'follows', 'kept_follows', 'follow_backfills', 'blocks', 'mutes', 'posts', 'post_versions'],
      ...['post_mentions', 'post_hashtags', 'post_likes', 'comments', 'post_notices', 'post_fanouts'],
      ...['post_fanout_chunks', 'pull_authors', 'timeline_incarnation', 'user_feeds', 'user_feed_timeline'],
      ...['products', 'locations', 'stock_levels', 'stock_reservations', 'stock_reservation_items', 'customers'],
      ...['addresses', 'orders', 'order_line_items', 'order_shipments', 'order_addresses', 'order_payments'],
      ...['payment_intents', 'payment_operations', 'webhook_inbox', 'personal_keys'],
      ...['sandbox_keys', 'sandbox_charges', 'sandbox_entries', 'sandbox_dues', 'webhook_deliveries'],
      ...['settlement_files', 'settlement_lines', 'settlement_items'],
    ],
  },
  /** With secrets that are of use to whoever reads them. */
  secret: {
    grants: { writer: CHANGE, projector: [], auditor: [] },
    tables: ['api_keys', 'webhook_endpoints', 'store_moves'],
  },
  /** Changed by migrating and archiving alone. */
  owned: {
    grants: { writer: READ, projector: READ, auditor: READ },
    tables: ['schema_lock', 'schema_migrations', 'order_transitions', 'daily_sales_report_archives'],
  },
} as const satisfies Readonly<Record<string, TableClass>>

/** Erasing a customer takes his name out of the facts of the report. */
const COLUMN_GRANTS = [{ role: 'writer', table: 'daily_sales_report_gen', columns: 'update (customer_name)' }] as const

const PREFIX = /^[a-z][a-z0-9_]{0,39}$/

const SCHEMA = 'select current_schema() as schema'
const EXISTS = 'select 1 from pg_roles where rolname = $1'
const VIEWS = `
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = current_schema() and c.relkind = 'v' order by 1`
// Partitions and archived months come and go.
const PARTS = `
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = current_schema() and c.relkind in ('r', 'p')
  and (c.relispartition or c.relname like 'daily\\_sales\\_report\\_archive\\_%') order by 1`

export interface RolesReport {
  readonly roles: Readonly<Record<Role, string>>
  /** Those that were not there before. */
  readonly created: readonly string[]
}

async function grantAll(tx: SqlTx, names: Readonly<Record<Role, string>>): Promise<void> {
  const { schema } = (await tx.query<{ schema: string }>(SCHEMA))[0]!
  const all = ROLES.map((role) => `"${names[role]}"`).join(', ')
  const named = async (statement: string) =>
    (await tx.query<{ name: string }>(statement)).map(({ name }) => `"${name}"`)
  const listed = Object.values(TABLE_CLASSES).flatMap(({ tables }) => tables)
  const readable = [
    ...(await named(VIEWS)),
    ...(await named(PARTS)).filter((name) => !listed.some((t) => name === `"${t}"`)),
  ]
  const statements = [
    `grant usage on schema "${schema}" to ${all}`,
    // What an earlier release granted, and this one does not.
    `revoke all on all tables in schema "${schema}" from ${all}`,
    `grant select on ${readable.join(', ')} to ${all}`,
    `alter default privileges in schema "${schema}" grant select on tables to ${all}`,
  ]
  for (const { grants, tables } of Object.values(TABLE_CLASSES)) {
    for (const role of ROLES) {
      if (grants[role].length > 0)
        statements.push(`grant ${grants[role].join(', ')} on ${tables.join(', ')} to "${names[role]}"`)
    }
  }
  for (const { role, table, columns } of COLUMN_GRANTS)
    statements.push(`grant ${columns} on ${table} to "${names[role]}"`)
  await tx.script(statements.join(';\n'))
}

/**
 * Makes the group roles `<prefix>_writer`, `<prefix>_projector` and `<prefix>_auditor` where they are missing, and sets what
 * they may do; in one transaction, and repeatable. They can't log in: grant them to users that can. Needs the owner of the
 * tables, with the right to create roles. Throws `invalid_input`, `role_right_missing`.
 */
export async function createRoles(sql: SqlClient, prefix: string): Promise<RolesReport> {
  if (!PREFIX.test(prefix)) {
    throw new AppError('invalid_input', `The prefix "${prefix}" must be 1 to 40 of a-z 0-9 _, a letter first`)
  }
  const roles = { writer: `${prefix}_writer`, projector: `${prefix}_projector`, auditor: `${prefix}_auditor` }
  try {
    return await sql.transaction(async (tx) => {
      const created: string[] = []
      for (const name of Object.values(roles)) {
        if ((await tx.query(EXISTS, [name])).length > 0) continue
        await tx.script(`create role "${name}" nologin`)
        created.push(name)
      }
      await grantAll(tx, roles)
      return { roles, created }
    })
  } catch (cause) {
    if (sqlState(cause) !== INSUFFICIENT_PRIVILEGE) throw cause
    throw new AppError(
      'role_right_missing',
      'Roles are made by the owner of the tables, who needs the right to create roles. As a superuser run:  ' +
        'alter role OWNER createrole;  or create the three roles yourself (create role ' +
        `${Object.values(roles).join('; create role ')};) and run this again`,
      { cause },
    )
  }
}
