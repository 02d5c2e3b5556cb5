import { randomBytes } from 'node:crypto'
import { createConnection } from 'mysql2/promise'
import { inject } from 'vitest'
import { silentLogger } from '../../src/core/logger.ts'
import { type MysqlClient, openMysql } from '../../src/engines/mysql/client-mysql2.ts'
import { migrateAll } from '../../src/engines/mysql/migrate.ts'
import { targetOf } from '../../src/engines/mysql/target.ts'
import { testContext } from './context.ts'
import type { TestDatabase } from './sql.ts'

export interface MysqlDatabase extends TestDatabase {
  readonly sql: MysqlClient
}

/** The MariaDB server; `undefined` leaves the suite out. */
export function mysqlServer(): string | undefined {
  return inject('mariadbUrl')
}

export const openMysqlUrl = (url: string, poolSize = 10, answerMsMax?: number): Promise<MysqlClient> =>
  openMysql(targetOf(new URL(url)), {
    ...{ poolSize, logger: silentLogger },
    ...(answerMsMax === undefined ? {} : { answerMsMax }),
  })

async function onServer(serverUrl: string, statement: string): Promise<void> {
  const connection = await createConnection(serverUrl)
  try {
    await connection.query(statement)
  } finally {
    await connection.end()
  }
}

/** An empty database of its own; not migrated. */
export async function createMysqlDatabase(serverUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `fanfold_test_${randomBytes(6).toString('hex')}`
  await onServer(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => onServer(serverUrl, `drop database if exists ${name}`) }
}

/** A fresh, migrated database. */
export async function openMysqlDatabase(serverUrl: string): Promise<MysqlDatabase> {
  const { url, drop } = await createMysqlDatabase(serverUrl)
  const sql = await openMysqlUrl(url)
  await migrateAll(sql)
  return {
    sql,
    url,
    context: testContext(),
    async drop() {
      await sql.close()
      await drop()
    },
  }
}
