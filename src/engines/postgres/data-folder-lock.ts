import { randomBytes } from 'node:crypto'
import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises'
import { AppError } from '../../core/errors.ts'
import type { Closable } from '../../core/lifecycle.ts'

interface Holder {
  readonly pid: number
  /** Tells a process from a later one that got the same pid; empty where the system does not say. */
  readonly startedAt: string
}

async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  return (await startOf(holder.pid)) === holder.startedAt
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Holder
  } catch {
    return undefined
  }
}

/** A name beside the file that nobody else uses. */
const ownName = (file: string) => `${file}.${process.pid}-${randomBytes(4).toString('hex')}`

/** Creates `file` with its whole content at once, or answers false when it exists. */
async function createWhole(file: string, content: string): Promise<boolean> {
  const draft = ownName(file)
  await writeFile(draft, content)
  try {
    await link(draft, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await unlink(draft)
  }
}

/** Sets the lock of a dead holder aside. Two processes may try at once: what was not the dead one's is put back. */
async function setAside(file: string, dead: Holder | undefined): Promise<void> {
  const aside = ownName(file)
  try {
    await rename(file, aside)
  } catch {
    return
  }
  const taken = await readHolder(aside)
  if (taken?.pid !== dead?.pid || taken?.startedAt !== dead?.startedAt) await link(aside, file).catch(() => undefined)
  await unlink(aside)
}

/**
 * PGlite's files bear one process only. The lock is a file beside the folder that names its holder; the lock of a
 * process that is gone (kill -9) is taken over.
 */
export async function lockDataFolder(folder: string): Promise<Closable> {
  const file = `${folder}.lock`
  const self: Holder = { pid: process.pid, startedAt: await startOf(process.pid) }
  for (let attempt = 0; attempt < 5; attempt++) {
    if (await createWhole(file, JSON.stringify(self))) return { close: () => unlink(file).catch(() => undefined) }
    const holder = await readHolder(file)
    if (holder !== undefined && (await isAlive(holder))) {
      throw new AppError(
        'data_folder_in_use',
        `${folder} is in use by process ${holder.pid}. The embedded database serves one process: stop that one, ` +
          'ask it over HTTP, or move to PostgreSQL with FANFOLD_DATABASE_URL=postgres://...',
      )
    }
    await setAside(file, holder)
  }
  throw new AppError('data_folder_in_use', `${file} can't be taken; remove it when no Fanfold is running`)
}
