import { expect, it } from 'vitest'
import { LIST_USERS, openUserStore } from '../../src/engines/postgres/user-store.ts'
import { aUser } from '../../src/testing/social-values.ts'
import { sqlEngines } from '../setup/sql.ts'

it.each(sqlEngines())('users are listed along an index of their handles on $name', async (engine) => {
  const database = await engine.create()
  const { sql, context } = database
  try {
    const users = await openUserStore(sql, context)
    await users.insertMany(Array.from({ length: 5_000 }, (_, n) => aUser(`u${n}`, { handle: `h${n}` })))
    await sql.query('analyze users')
    const cases = [
      ['', ''],
      ['h1', ''],
      ['h1', 'h1500'],
    ]
    for (const [prefix, after] of cases) {
      const rows = await sql.query(`explain ${LIST_USERS}`, [prefix, after, 21])
      const plan = JSON.stringify(rows)
      expect(plan).toMatch(/Index Scan using users_by_handle/)
      expect(plan).not.toMatch(/Sort|Seq Scan/)
    }
    expect((await users.list('h49', 'h4998', 2)).map((user) => user.handle)).toEqual(['h4999'])
  } finally {
    await database.drop()
  }
})
