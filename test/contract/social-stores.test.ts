import type { PortContext } from '../../src/engines/engine.ts'
import { openFollowStore as openMysqlFollowStore } from '../../src/engines/mysql/follow-store.ts'
import { openFollowStore } from '../../src/engines/postgres/follow-store.ts'
import { openPostStore } from '../../src/engines/postgres/post-store.ts'
import { openUserStore } from '../../src/engines/postgres/user-store.ts'
import type { SqlClient } from '../../src/engines/sql/sql.ts'
import { testFanoutLedger } from '../../src/testing/fanout-ledger.ts'
import { testFollowCopies } from '../../src/testing/follow-copies.ts'
import { testFollowStore } from '../../src/testing/follow-store.ts'
import { testFollowSuggestions } from '../../src/testing/follow-suggestions.ts'
import { testFollowerDays } from '../../src/testing/follower-days.ts'
import { testPostContent } from '../../src/testing/post-content.ts'
import { testPostLikes } from '../../src/testing/post-likes.ts'
import { testPostNotices } from '../../src/testing/post-notices.ts'
import { testPostOutboxes } from '../../src/testing/post-outboxes.ts'
import { testPostStore } from '../../src/testing/post-store.ts'
import { testUserStore } from '../../src/testing/user-store.ts'
import { mysqlServer, openMysqlDatabase } from '../setup/mysql.ts'
import { type SqlEngineUnderTest, sqlEngines } from '../setup/sql.ts'

function over<Store>(engine: SqlEngineUnderTest, open: (sql: SqlClient, context: PortContext) => Promise<Store>) {
  return async () => {
    const database = await engine.create()
    return { store: await open(database.sql, database.context), close: () => database.drop() }
  }
}

for (const engine of sqlEngines()) {
  testUserStore(engine.name, over(engine, openUserStore))
  testFollowStore(engine.name, over(engine, openFollowStore))
  testFollowCopies(engine.name, over(engine, openFollowStore))
  testFollowerDays(engine.name, over(engine, openFollowStore))
  testFollowSuggestions(engine.name, over(engine, openFollowStore))
  testPostStore(engine.name, over(engine, openPostStore))
  testPostLikes(engine.name, over(engine, openPostStore))
  testPostNotices(engine.name, over(engine, openPostStore))
  testPostContent(engine.name, over(engine, openPostStore))
  testPostOutboxes(engine.name, over(engine, openPostStore))
  testFanoutLedger(engine.name, over(engine, openPostStore))
}

const mariadb = mysqlServer()
if (mariadb !== undefined) {
  const follows = async () => {
    const { sql, context, drop } = await openMysqlDatabase(mariadb)
    return { store: await openMysqlFollowStore(sql, context), close: drop }
  }
  testFollowStore('mariadb', follows)
  testFollowCopies('mariadb', follows)
  testFollowerDays('mariadb', follows)
  testFollowSuggestions('mariadb', follows)
}
