import { storesOf, storeUrl, storeUrls } from '../../app/stores.ts'
import { systemClock } from '../../core/clock.ts'
import { type Config, variableOf } from '../../core/config.ts'
import { messageOf } from '../../core/errors.ts'
import { createIdMaker } from '../../core/ids.ts'
import { createLogger } from '../../core/logger.ts'
import { createMetrics } from '../../core/metrics.ts'
import { createEngines, type Engines, redactUrl } from '../../engines/registry.ts'
import type { Command } from '../command.ts'
import { table } from '../table.ts'

const DOCTOR = { logger: createLogger('silent'), metrics: createMetrics(), clock: systemClock, poolSize: 2 }

interface Finding {
  readonly url: string
  readonly stores: readonly string[]
  readonly version: string | null
  readonly ok: boolean
  readonly problem: string | null
}

/** The configuration as the program uses it: a store that was moved is where it was moved to. */
async function afterMoves(config: Config, engines: Engines): Promise<{ inUse: Config; advice: readonly string[] }> {
  let inUse = config
  const advice: string[] = []
  try {
    const database = await engines.open(config.databaseUrl)
    const context = { ...DOCTOR, ids: createIdMaker({ node: 0, clock: systemClock }) }
    const moves = await (await database.ports.moves?.(context))?.list()
    for (const { store, phase, toUrl } of moves ?? []) {
      const setting = `${store}Url` as const
      if (phase !== 'done') advice.push(`${store} are moving to ${redactUrl(toUrl)} (${phase}): fanfold move`)
      else if (storeUrl(config, store) !== toUrl)
        advice.push(`${store} were moved to ${redactUrl(toUrl)}: set ${variableOf(setting)} to it everywhere`)
      if (phase === 'done') inUse = { ...inUse, [setting]: toUrl }
    }
  } catch {
    // What is wrong with the database is found with the others; before the first migration nothing can have moved.
  }
  return { inUse, advice }
}

export const doctor: Command = {
  name: 'doctor',
  about: 'Check every configured URL: reachable, version, schema, what it serves',
  usage: '',
  examples: ['fanfold doctor', 'fanfold doctor --payments-url postgres://me@db.local/pay --json'],
  async run({ config, json, terminal }) {
    const engines = createEngines(DOCTOR)
    const findings: Finding[] = []
    try {
      const { inUse, advice } = await afterMoves(config, engines)
      for (const line of advice) terminal.say(line)
      for (const url of storeUrls(inUse)) {
        const common = { url: redactUrl(url), stores: storesOf(inUse, url) }
        try {
          const engine = await engines.open(url)
          const unserved = common.stores.filter((store) => !(store in engine.ports))
          const pending = await engine.pendingMigrations()
          const problem =
            unserved.length > 0
              ? `${engine.name} does not serve ${unserved.join(', ')}`
              : pending > 0
                ? `lacks ${pending} schema step(s); run: fanfold migrate`
                : null
          findings.push({ ...common, version: await engine.version(), ok: problem === null, problem })
        } catch (error) {
          findings.push({ ...common, version: null, ok: false, problem: messageOf(error) })
        }
      }
    } finally {
      await engines.close()
    }
    if (json) terminal.out(JSON.stringify(findings))
    else {
      const rows = findings.map((f) => [f.ok ? 'ok' : 'PROBLEM', f.version ?? '-', f.stores.join(','), f.url])
      terminal.out(table(['state', 'version', 'stores', 'url'], rows))
      for (const finding of findings) if (finding.problem !== null) terminal.say(`\n${finding.url}: ${finding.problem}`)
    }
    return findings.every((finding) => finding.ok) ? 0 : 1
  },
}
