import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAppError } from '../../src/core/errors.ts'
import { openPglite } from '../../src/engines/postgres/client-pglite.ts'
import { lockDataFolder } from '../../src/engines/postgres/data-folder-lock.ts'
import { createGate } from '../../src/testing/gate.ts'
import { buildScript, type Script } from '../setup/script.ts'

describe('the lock of a data folder', () => {
  let parent: string
  let holder: Script
  beforeAll(async () => {
    parent = await mkdtemp(join(tmpdir(), 'fanfold-lock-'))
    holder = await buildScript(new URL('./folder-holder.ts', import.meta.url))
  })
  afterAll(async () => {
    await rm(parent, { recursive: true, force: true })
    await holder.remove()
  })

  it('refuses a second process, naming the first, and takes the folder over when that one was killed', async () => {
    const folder = join(parent, 'killed')
    const opened = createGate()
    const process = holder.start([folder], () => opened.open())
    await Promise.race([opened.opened, process.ended.then(() => Promise.reject(new Error(process.stderr())))])
    await expect(openPglite(folder)).rejects.toSatisfy(
      (error) => isAppError(error, 'data_folder_in_use') && error.message.includes(`process ${process.pid}`),
    )
    await process.kill()
    const sql = await openPglite(folder)
    expect(await sql.query('select n from rows')).toEqual([{ n: 1 }])
    await sql.close()
  })

  it('refuses the same process as well, until it closes', async () => {
    const folder = join(parent, 'twice')
    const lock = await lockDataFolder(folder)
    await expect(lockDataFolder(folder)).rejects.toSatisfy((error) => isAppError(error, 'data_folder_in_use'))
    await lock.close()
    await lock.close()
    await (await lockDataFolder(folder)).close()
  })

  it('does not mistake a new process with the pid of a dead one for it', async () => {
    const folder = join(parent, 'reused')
    await writeFile(`${folder}.lock`, JSON.stringify({ pid: process.pid, startedAt: 'long ago' }))
    const lock = await lockDataFolder(folder)
    expect(JSON.parse(await readFile(`${folder}.lock`, 'utf8'))).toMatchObject({ pid: process.pid })
    await lock.close()
  })

  it('takes over a lock that can not be read', async () => {
    const folder = join(parent, 'damaged')
    await writeFile(`${folder}.lock`, '{"pi')
    await (await lockDataFolder(folder)).close()
  })

  it('gives the folder of a dead holder to one of many that ask at once, and leaves no files behind', async () => {
    const folder = join(parent, 'race')
    await writeFile(`${folder}.lock`, JSON.stringify({ pid: 2 ** 30, startedAt: '' }))
    const results = await Promise.allSettled(Array.from({ length: 5 }, () => lockDataFolder(folder)))
    const locks = results.filter((result) => result.status === 'fulfilled')
    expect(locks).toHaveLength(1)
    await locks[0]!.value.close()
    expect((await readdir(parent)).filter((file) => file.startsWith('race'))).toEqual([])
  })
})
