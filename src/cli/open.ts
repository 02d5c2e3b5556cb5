import type { FanfoldOptions } from '../app/base.ts'
import { createFanfold, type Fanfold } from '../app/fanfold.ts'
import { type Config, type ConfigOptions, optionOf, SETTING_NAMES } from '../core/config.ts'
import { createLogger } from '../core/logger.ts'

/** The library's options of a configuration. */
function toOptions(config: Config): ConfigOptions {
  return Object.fromEntries(SETTING_NAMES.map((name) => [optionOf(name), config[name]]))
}

/** Fanfold for a command: without background work unless asked, and logging warnings only. */
export function openFanfold(config: Config, options: FanfoldOptions = {}): Promise<Fanfold> {
  return createFanfold({ ...toOptions(config), workers: false, logger: createLogger('warn'), ...options })
}

/** Opens, works, closes, also after a failure. */
export async function withFanfold<T>(
  config: Config,
  work: (fanfold: Fanfold) => Promise<T>,
  options: FanfoldOptions = {},
): Promise<T> {
  const fanfold = await openFanfold(config, options)
  try {
    return await work(fanfold)
  } finally {
    await fanfold.close()
  }
}

/** As {@link withFanfold}, for what only reads: then a database user who may do no more is enough. */
export function readFanfold<T>(config: Config, work: (fanfold: Fanfold) => Promise<T>): Promise<T> {
  return withFanfold(config, work, { readOnly: true })
}
