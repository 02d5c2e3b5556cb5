import { mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sha256 } from '../core/canonical-json.ts'
import { fromSealDocument, type Seal, toSealDocument } from '../log/seal.ts'
import type { SealCopies } from '../log/seal-store.ts'
import { readSealCopies } from '../payments/proof/documents.ts'
import { isInMemory } from './keys.ts'

/**
 * The file of the copies of a database: that of the setting, or one in the folder of keys that is named after where the
 * database is. `undefined` for a database in memory, which leaves nothing to be compared.
 */
export function sealsFileOf(
  config: { readonly keysDir: string; readonly sealsFile: string | undefined },
  databaseUrl: string,
): string | undefined {
  if (config.sealsFile !== undefined) return config.sealsFile
  if (isInMemory(databaseUrl)) return undefined
  // Not the user nor the options: the same database by another login is the same.
  const place = databaseUrl.replace(/^(\w+:)(\/\/)?([^@/]*@)?/, '').replace(/[?#].*$/, '')
  const name = /([\w-]+)\/*$/.exec(place)?.[1] ?? ''
  const mark = Buffer.from(sha256(place)).toString('hex').slice(0, 8)
  return join(config.keysDir, `payments-${name}-${mark}.seals.jsonl`)
}

const NEW_LINE = 0x0a
const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'

function parse(text: string): Seal | undefined {
  try {
    return fromSealDocument(JSON.parse(text) as object)
  } catch {
    return undefined
  }
}

/**
 * A file of seals, one JSON document a line, that is only ever appended to. Several processes may write to it; a line
 * that a crash has torn is passed over, and its seal copied again.
 */
export function openSealsFile(path: string): SealCopies {
  const lasts = new Map<number, Seal>()
  let offset = 0

  /** What was written since the last look, also by others. Answers whether the file ends within a line. */
  async function catchUp(): Promise<boolean> {
    const file = await open(path, 'r').catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    try {
      const size = file === undefined ? 0 : (await file.stat()).size
      if (size < offset) {
        // It was put away: another begins, with everything in it.
        offset = 0
        lasts.clear()
      }
      if (file === undefined || size === offset) return false
      const bytes = Buffer.alloc(size - offset)
      await file.read(bytes, 0, bytes.length, offset)
      const end = bytes.lastIndexOf(NEW_LINE) + 1
      for (const line of bytes.toString('utf8', 0, end).split('\n')) {
        const seal = line === '' ? undefined : parse(line)
        if (seal !== undefined && seal.number > (lasts.get(seal.shard)?.number ?? 0)) lasts.set(seal.shard, seal)
      }
      offset += end
      return end < bytes.length
    } finally {
      await file?.close()
    }
  }

  return {
    async lasts() {
      await catchUp()
      return lasts
    },
    async append(seals) {
      const isTorn = await catchUp()
      const fresh = seals.filter((seal) => seal.number > (lasts.get(seal.shard)?.number ?? 0))
      if (fresh.length === 0) return
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const file = await open(path, 'a', 0o600)
      try {
        const lines = fresh.map((seal) => `${JSON.stringify(toSealDocument(seal))}\n`).join('')
        await file.write(isTorn ? `\n${lines}` : lines)
        await file.sync()
      } finally {
        await file.close()
      }
    },
  }
}

/** The lines of a text file, one by one. Throws when there is no such file. */
export async function* linesOf(path: string): AsyncGenerator<string> {
  const file = await open(path)
  try {
    yield* file.readLines()
  } finally {
    await file.close()
  }
}

/** The seals of a file; none when it is not there. */
export async function readSealsIfThere(path: string): Promise<Seal[]> {
  try {
    return await readSealCopies(linesOf(path))
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}
