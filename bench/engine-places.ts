import pg from 'pg'

type Remove = () => Promise<void>

/** What has to be made before Fanfold can open its place on a server, and how it is removed. */
const PLACES: Readonly<Record<string, (url: string, own: string, name: string) => Promise<Remove>>> = {
  async postgres(url, _, name) {
    const statement = async (text: string) => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query(text)
      await client.end()
    }
    await statement(`create database ${name}`)
    return () => statement(`drop database if exists ${name} with (force)`)
  },
  async mariadb(url, _, name) {
    const { createConnection } = await import('mysql2/promise')
    const statement = async (text: string) => {
      const connection = await createConnection(url)
      await connection.query(text)
      await connection.end()
    }
    await statement(`create database ${name}`)
    return () => statement(`drop database if exists ${name}`)
  },
  async mongodb(_, own) {
    const { MongoClient } = await import('mongodb')
    return async () => {
      const client = await MongoClient.connect(own.replace(/\?.*$/, ''))
      await client.db().dropDatabase()
      await client.close()
    }
  },
}

export async function makePlace(server: string, url: string, own: string, name: string): Promise<Remove> {
  return (await PLACES[server]?.(url, own, name)) ?? (async () => undefined)
}
