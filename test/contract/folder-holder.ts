import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { tell } from '../setup/tell.ts'

/** Opens a data folder, writes one row, and keeps it open until killed. */
export async function main(folder: string): Promise<void> {
  const sql = await openPglite(folder)
  await sql.transaction((tx) => tx.script('create table if not exists rows (n int)'))
  await sql.query('insert into rows values (1)')
  tell({ kind: 'open' })
  await new Promise(() => setInterval(() => undefined, 1_000))
}
