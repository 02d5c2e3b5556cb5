import type { Clock } from '../../core/clock.ts'
import { AppError } from '../../core/errors.ts'
import type { PersonalKeyStore } from '../../payments/ports/personal-keys.ts'
import { createPersonalData } from '../../payments/privacy/personal-data.ts'
import { type Keys, masterKeySource } from '../keys.ts'

type OnProgress = (keys: number) => void

/** The exchange of the key under which those of personal data are encrypted; each step can be repeated. */
export interface MasterKeysPart {
  /**
   * Makes a new master key in the folder of the keys and wraps the key of every person under it; answers how many. The old
   * one stays, for processes that have not noticed yet. Throws `invalid_config` where the keys are a setting.
   */
  rotate(onProgress?: OnProgress): Promise<number>
  /** Wraps what is under older master keys under the newest; answers how many there were. Throws `master_key_missing`. */
  rewrap(onProgress?: OnProgress): Promise<number>
  /** As `rewrap`, and throws all but the newest master key away, for good: what old backups hold opens no more. */
  prune(onProgress?: OnProgress): Promise<number>
}

export function createMasterKeysPart(deps: {
  readonly store: PersonalKeyStore
  readonly keys: Keys
  /** The setting, if it is given. */
  readonly setting: string | undefined
  readonly clock: Clock
}): MasterKeysPart {
  const { store, keys, setting, clock } = deps
  const source = masterKeySource(setting, keys)

  function refuseSetting(): void {
    if (setting === undefined) return
    throw new AppError(
      'invalid_config',
      'The master keys are a setting: put a new one before the others in FANFOLD_MASTER_KEYS of every process, restart ' +
        'them, run  fanfold master-key rewrap  and take the old ones away',
    )
  }

  // Made anew each time, so that it knows the keys of this moment.
  const rewrap = (onProgress?: OnProgress) =>
    createPersonalData({ store, masterKeys: source, clock }).rewrap(onProgress)

  return {
    async rotate(onProgress) {
      refuseSetting()
      await keys.addMasterKey()
      return rewrap(onProgress)
    },
    rewrap,
    async prune(onProgress) {
      refuseSetting()
      const wrapped = await rewrap(onProgress)
      const [newest] = await keys.masterKeys()
      await keys.keepMasterKey(newest.id)
      return wrapped
    },
  }
}
