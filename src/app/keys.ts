import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../core/errors.ts'
import { keyIdOf, newSealKey, type SealKey, sealKeyOf } from '../log/seal.ts'
import {
  type MasterKey,
  type MasterKeySource,
  type MasterKeys,
  masterKeyOf,
  randomMasterKey,
} from '../payments/privacy/personal-data.ts'

/**
 * The keys that must not lie in the database: that which signs seals, and those under which personal data are encrypted.
 * They are files in one folder (0700, files 0600), made when they are first needed; also by several processes at once,
 * of which one wins. Beside a database in memory they are in memory. Throws `invalid_config` for a file that is no key.
 */
export interface Keys {
  /** Signs seals; its public key lies beside it. */
  sealKey(): Promise<SealKey>
  /** The public keys whose seals are believed, by id: all of the folder. Makes none. */
  sealPublicKeys(): Promise<ReadonlyMap<string, KeyObject>>
  /** The first wraps new keys of persons. */
  masterKeys(): Promise<MasterKeys>
  /** Makes another master key, the newest from then on. Refuses (`invalid_config`) while another process does so. */
  addMasterKey(): Promise<void>
  /** Throws the others away, for good. */
  keepMasterKey(id: string): Promise<void>
}

const SEAL_KEY = 'seal.key.pem'
const SEAL_PUBLIC_KEY = /^seal-\w+\.pub\.pem$/
const MASTER_KEYS = 'master.keys'

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** The file's text; when it is not there, that of `make`, unless another process was faster. Never half a file. */
async function readOrCreate(folder: string, name: string, make: () => string): Promise<string> {
  const path = join(folder, name)
  const text = await readIfThere(path)
  if (text !== undefined) return text
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = await open(draft, 'wx', 0o600)
  try {
    try {
      await file.writeFile(make())
      await file.sync()
    } finally {
      await file.close()
    }
    await link(draft, path).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(path, 'utf8')
}

function notAKey(path: string, cause: unknown): AppError {
  return new AppError('invalid_config', `${path} is not a key: ${messageOf(cause)}`, { cause })
}

/** The Ed25519 public key of a PEM file. Throws `invalid_config` for a file that is none, and when there is no file. */
async function readPublicKey(path: string): Promise<KeyObject> {
  try {
    const key = createPublicKey(await readFile(path))
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('Ed25519 is needed')
    return key
  } catch (error) {
    throw notAKey(path, error)
  }
}

/** The public keys of PEM files, by id. Errors as for one. */
export async function readPublicKeys(paths: readonly string[]): Promise<ReadonlyMap<string, KeyObject>> {
  const keys = await Promise.all(paths.map(readPublicKey))
  return new Map(keys.map((key) => [keyIdOf(key), key]))
}

function parseSealKey(path: string, pem: string): SealKey {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('Ed25519 is needed')
    return sealKeyOf(key)
  } catch (error) {
    throw notAKey(path, error)
  }
}

const masterKeyLine = ({ id, key }: MasterKey) => `${id} ${Buffer.from(key).toString('base64')}\n`

/** One key a line, its id and 32 bytes in base64. */
function parseMasterKeys(path: string, text: string): MasterKeys {
  const keys = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [id = '', encoded = ''] = line.trim().split(/\s+/)
      const key = Buffer.from(encoded, 'base64')
      if (key.length !== 32) throw notAKey(path, 'each line needs an id and 32 bytes in base64')
      return { id, key }
    })
  const [first, ...others] = keys
  if (first === undefined) throw notAKey(path, 'it is empty')
  return [first, ...others]
}

/** One at a time: of two who write at once, one would lose the key of the other, and what is under it. */
async function rewriteMasterKeys(folder: string, change: (keys: MasterKeys) => readonly MasterKey[]): Promise<void> {
  const path = join(folder, MASTER_KEYS)
  const text = await readOrCreate(folder, MASTER_KEYS, () => masterKeyLine(randomMasterKey()))
  const draft = `${path}.new`
  const file = await open(draft, 'wx', 0o600).catch((cause: unknown) => {
    throw new AppError(
      'invalid_config',
      `${draft} is there: master keys are being changed, or were by a process that died`,
      {
        cause,
      },
    )
  })
  try {
    try {
      // Read again: somebody may have been here between the first look and the lock.
      const keys = parseMasterKeys(path, (await readIfThere(path)) ?? text)
      await file.writeFile(change(keys).map(masterKeyLine).join(''))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** Keys of a folder, which is made on first need. */
export function keysIn(folder: string): Keys {
  return {
    async sealKey() {
      const make = () => newSealKey().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      const key = parseSealKey(join(folder, SEAL_KEY), await readOrCreate(folder, SEAL_KEY, make))
      const publicPem = () => createPublicKey(key.privateKey).export({ type: 'spki', format: 'pem' }).toString()
      await readOrCreate(folder, `seal-${key.id}.pub.pem`, publicPem)
      return key
    },
    async sealPublicKeys() {
      const names = await readdir(folder).catch((error: unknown) => {
        if (isMissing(error)) return []
        throw error
      })
      const files = names.filter((name) => SEAL_PUBLIC_KEY.test(name))
      return readPublicKeys(files.map((name) => join(folder, name)))
    },
    async masterKeys() {
      const text = await readOrCreate(folder, MASTER_KEYS, () => masterKeyLine(randomMasterKey()))
      return parseMasterKeys(join(folder, MASTER_KEYS), text)
    },
    addMasterKey: () => rewriteMasterKeys(folder, (keys) => [randomMasterKey(), ...keys]),
    keepMasterKey: (id) => rewriteMasterKeys(folder, (keys) => keys.filter((key) => key.id === id)),
  }
}

/** Keys that end with the process, as its database does. */
export function keysInMemory(): Keys {
  const seal = newSealKey()
  let master: MasterKeys = [randomMasterKey()]
  return {
    sealKey: async () => seal,
    sealPublicKeys: async () => new Map([[seal.id, createPublicKey(seal.privateKey)]]),
    masterKeys: async () => master,
    async addMasterKey() {
      master = [randomMasterKey(), ...master]
    },
    async keepMasterKey(id) {
      master = [master.find((key) => key.id === id) ?? master[0]]
    },
  }
}

/** Whether a database is gone with the process. */
export const isInMemory = (databaseUrl: string): boolean => /^pglite:(\/\/)?memory$/.test(databaseUrl)

export function openKeys(folder: string, databaseUrl: string): Keys {
  return isInMemory(databaseUrl) ? keysInMemory() : keysIn(folder)
}

/** The master keys of the setting, or those of `keys` where it is not given. */
export function masterKeySource(setting: string | undefined, keys: Keys): MasterKeySource {
  if (setting === undefined) return () => keys.masterKeys()
  const [first, ...others] = setting.split(',').map((text) => masterKeyOf(Buffer.from(text.trim(), 'base64')))
  return async () => [first!, ...others]
}
