import { auditOrdersIn as auditMysqlOrdersIn } from '../../src/engines/mysql/order-audit.ts'
import { auditOrdersIn as auditPostgresOrdersIn } from '../../src/engines/postgres/order-audit.ts'
import type { SqlTx } from '../../src/engines/sql/sql.ts'
import type { AuditView } from '../../src/orders/ports.ts'
import type { OrderDatabase, OrderEngineUnderTest } from './orders.ts'

/** What tests do to the tables of orders behind the program's back, on any engine. */
export interface OrderTables {
  /** A statement in the words of the engine: written with `?` for values and double quotes around names. */
  text(statement: string): string
  /** The names of all tables. */
  names(): Promise<string[]>
  /** The columns of a table that are not generated. */
  columns(table: string): Promise<string[]>
  /** The tables with a row that holds one of the words anywhere, also in bytes. */
  naming(words: readonly string[]): Promise<string[]>
  /** Changes entries of the history, which is refused otherwise. */
  rewriteHistory(set: string, where: string): Promise<void>
  /** Spoils rows in a transaction that is undone, also of the history, and looks at them from within. */
  spoil(statement: string, look: (view: AuditView) => Promise<void>): Promise<void>
}

const UNDO = new Error('undo')

async function undone(attempt: Promise<unknown>): Promise<void> {
  await attempt.catch((error: unknown) => {
    if (error !== UNDO) throw error
  })
}

const TRIGGER = 'order_history_append_only'

function postgresTables({ sql }: OrderDatabase): OrderTables {
  const text = (statement: string) => {
    let n = 0
    return statement.replace(/\?/g, () => `$${++n}`)
  }
  const rewriting = async (tx: SqlTx, work: () => Promise<unknown>) => {
    await tx.script(`alter table order_history disable trigger ${TRIGGER}`)
    await work()
    await tx.script(`alter table order_history enable trigger ${TRIGGER}`)
  }
  const names = async () => {
    const rows = await sql.query<{ name: string }>(
      `select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema') order by 1`,
    )
    return rows.map((row) => row.name)
  }
  return {
    text,
    names,
    async columns(table) {
      const rows = await sql.query<{ name: string }>(
        `select column_name::text as name from information_schema.columns
         where table_name = $1 and is_generated = 'NEVER' order by ordinal_position`,
        [table],
      )
      return rows.map((row) => row.name)
    },
    async naming(words) {
      const naming: string[] = []
      for (const name of await names()) {
        const found = await sql.query(
          `select 1 from "${name}" as t, unnest($1::text[]) as w (word) where position(w.word in t::text) > 0
             or position(encode(convert_to(w.word, 'UTF8'), 'hex') in t::text) > 0 limit 1`,
          [words],
        )
        if (found.length > 0) naming.push(name)
      }
      return naming
    },
    rewriteHistory: (set, where) =>
      sql.transaction((tx) => rewriting(tx, () => tx.script(`update order_history set ${set} where ${where}`))),
    spoil: (statement, look) =>
      undone(
        sql.transaction(async (tx) => {
          await rewriting(tx, () => tx.script(statement))
          await look(await auditPostgresOrdersIn(tx))
          throw UNDO
        }),
      ),
  }
}

const MYSQL_TRIGGER = 'order_history_no_update'

function mysqlTables({ sql }: OrderDatabase): OrderTables {
  // Not the members of JSON.
  const text = (statement: string) => statement.replace(/"(\w+)"(?!:)/g, '`$1`')
  const names = async () => {
    const rows = await sql.query<{ name: string }>(
      `select table_name as name from information_schema.tables
       where table_schema = database() and table_type = 'BASE TABLE' order by 1`,
    )
    return rows.map((row) => row.name)
  }
  // DDL commits, so it stands around the transaction.
  async function rewriting<T>(work: () => Promise<T>): Promise<T> {
    const [row] = await sql.query<Record<string, string>>(`show create trigger ${MYSQL_TRIGGER}`)
    await sql.query(`drop trigger ${MYSQL_TRIGGER}`)
    try {
      return await work()
    } finally {
      await sql.query(row!['SQL Original Statement']!)
    }
  }
  return {
    text,
    names,
    async columns(table) {
      const rows = await sql.query<{ name: string }>(
        `select column_name as name from information_schema.columns
         where table_schema = database() and table_name = ? and extra not like '%GENERATED%' order by ordinal_position`,
        [table],
      )
      return rows.map((row) => row.name)
    },
    async naming(words) {
      const naming: string[] = []
      for (const name of await names()) {
        const columns = await sql.query<{ name: string }>(
          'select column_name as name from information_schema.columns where table_schema = database() and table_name = ?',
          [name],
        )
        const row = `concat_ws('|', ${columns.map((column) => `cast(\`${column.name}\` as binary)`).join(', ')})`
        const holds = words.map(() => `locate(cast(? as binary), ${row}) > 0`).join(' or ')
        const found = await sql.query(`select 1 from \`${name}\` where ${holds} limit 1`, words)
        if (found.length > 0) naming.push(name)
      }
      return naming
    },
    rewriteHistory: (set, where) =>
      rewriting(async () => void (await sql.query(`update order_history set ${set} where ${where}`))),
    spoil(statement, look) {
      const attempt = () =>
        undone(
          sql.transaction(async (tx) => {
            await tx.query(text(statement))
            await look(await auditMysqlOrdersIn(tx))
            throw UNDO
          }),
        )
      return statement.includes('order_history') ? rewriting(attempt) : attempt()
    },
  }
}

export const orderTables = (engine: OrderEngineUnderTest, database: OrderDatabase): OrderTables =>
  engine.name === 'mariadb' ? mysqlTables(database) : postgresTables(database)
