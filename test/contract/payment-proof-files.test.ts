import { createPublicKey } from 'node:crypto'
import { appendFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isInMemory, keysIn, openKeys } from '../../src/app/keys.ts'
import { linesOf, openSealsFile, sealsFileOf } from '../../src/app/seals-file.ts'
import { newSealKey, type Seal, signSeal } from '../../src/log/seal.ts'
import { readSealCopies } from '../../src/payments/proof/documents.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fanfold-proof-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

describe('the folder of keys', () => {
  it('is made on first need, for its owner only, and not for a look', async () => {
    const path = join(folder, 'fresh/keys')
    expect((await keysIn(path).sealPublicKeys()).size).toBe(0)
    await expect(stat(path)).rejects.toThrow('ENOENT')
    const { id, privateKey } = await keysIn(path).sealKey()
    expect(await modeOf(path)).toBe('700')
    const files = (await readdir(path)).sort()
    expect(files).toEqual([`seal-${id}.pub.pem`, 'seal.key.pem'])
    for (const file of files) expect(await modeOf(join(path, file))).toBe('600')
    const known = await keysIn(path).sealPublicKeys()
    expect(known.get(id)?.equals(createPublicKey(privateKey))).toBe(true)
  })

  it('gives all who begin at the same time the same key', async () => {
    const path = join(folder, 'raced')
    const ids = await Promise.all(Array.from({ length: 20 }, async () => (await keysIn(path).sealKey()).id))
    expect(new Set(ids).size).toBe(1)
    expect(await readdir(path)).toHaveLength(2)
  })

  it('believes the old key too when a new one has taken its place', async () => {
    const path = join(folder, 'rotated')
    const old = await keysIn(path).sealKey()
    await rename(join(path, 'seal.key.pem'), join(path, 'old'))
    const fresh = await keysIn(path).sealKey()
    expect(fresh.id).not.toBe(old.id)
    expect([...(await keysIn(path).sealPublicKeys()).keys()].sort()).toEqual([old.id, fresh.id].sort())
  })

  it('refuses a file that is no key', async () => {
    const path = join(folder, 'broken')
    await keysIn(path).sealKey()
    await writeFile(join(path, 'seal.key.pem'), 'nothing')
    await expect(keysIn(path).sealKey()).rejects.toMatchObject({ code: 'invalid_config' })
    await writeFile(join(path, 'seal-x.pub.pem'), 'nothing')
    await expect(keysIn(path).sealPublicKeys()).rejects.toMatchObject({ code: 'invalid_config' })
  })

  it('is not used beside a database in memory', async () => {
    const path = join(folder, 'unused')
    const keys = openKeys(path, 'pglite:memory')
    expect([...(await keys.sealPublicKeys()).keys()]).toEqual([(await keys.sealKey()).id])
    await expect(stat(path)).rejects.toThrow('ENOENT')
    expect(['pglite:memory', 'pglite://memory', 'pglite:./memory', 'postgres://memory'].map(isInMemory)).toEqual([
      ...[true, true, false, false],
    ])
  })
})

describe('the file of seals', () => {
  const key = newSealKey()
  const sealOf = (number: number, shard = 0): Seal => {
    const hash = new Uint8Array(32).fill(number)
    const place = { log: 'payments', shard, number, eventId: BigInt(number) }
    return signSeal({ ...place, chainHash: hash, sealedAtMs: 1_700_000_000_000 + number, previous: hash }, key)
  }
  const numbers = async (path: string) => (await readSealCopies(linesOf(path))).map((seal) => seal.number)

  it('keeps each seal as it is, once, whoever writes', async () => {
    const path = join(folder, 'a.jsonl')
    const [one, other] = [openSealsFile(path), openSealsFile(path)]
    await one.append([sealOf(1), sealOf(1, 3)])
    expect([...(await other.lasts()).keys()]).toEqual([0, 3])
    await other.append([sealOf(1), sealOf(2)])
    await one.append([sealOf(2), sealOf(3)])
    const kept = await readSealCopies(linesOf(path))
    expect(kept).toEqual(
      [sealOf(1), sealOf(1, 3), sealOf(2), sealOf(3)].map((seal) =>
        expect.objectContaining({
          ...{ number: seal.number, shard: seal.shard, eventId: seal.eventId, keyId: seal.keyId },
          ...{ sealedAtMs: seal.sealedAtMs, signature: Buffer.from(seal.signature) },
        }),
      ),
    )
  })

  it('passes over a line that a crash has torn, and writes its seal again', async () => {
    const path = join(folder, 'b.jsonl')
    await openSealsFile(path).append([sealOf(1)])
    const line = await readFile(path, 'utf8')
    await appendFile(path, line.slice(0, 100))
    const file = openSealsFile(path)
    expect((await file.lasts()).get(0)?.number).toBe(1)
    await file.append([sealOf(2)])
    expect(await numbers(path)).toEqual([1, 2])
    expect((await openSealsFile(path).lasts()).get(0)?.number).toBe(2)
  })

  it('begins anew when it was put away', async () => {
    const path = join(folder, 'c.jsonl')
    const file = openSealsFile(path)
    await file.append([sealOf(1), sealOf(2)])
    await rename(path, `${path}.old`)
    expect((await file.lasts()).size).toBe(0)
    await file.append([sealOf(1)])
    expect(await numbers(path)).toEqual([1])
  })

  it('is named after the place of the database, not after who logs in', () => {
    const of = (url: string, sealsFile?: string) => sealsFileOf({ keysDir: 'keys', sealsFile }, url)
    const plain = of('postgres://db.example.com:5432/shop')
    expect(plain).toMatch(/^keys\/payments-shop-[0-9a-f]{8}\.seals\.jsonl$/)
    expect(of('postgres://me:secret@db.example.com:5432/shop?profile=postgres')).toBe(plain)
    expect(of('postgres://db.example.com:5432/other')).not.toBe(plain)
    expect(of('pglite:memory')).toBeUndefined()
    expect(of('pglite:memory', 'mine.jsonl')).toBe('mine.jsonl')
  })
})
