import { storesOf, storeUrls } from '../../app/stores.ts'
import { systemClock } from '../../core/clock.ts'
import { messageOf } from '../../core/errors.ts'
import { createLogger } from '../../core/logger.ts'
import { createMetrics } from '../../core/metrics.ts'
import { createEngines, redactUrl } from '../../engines/registry.ts'
import type { Command } from '../command.ts'
import { table } from '../table.ts'

interface Finding {
  readonly url: string
  readonly stores: readonly string[]
  readonly version: string | null
  readonly ok: boolean
  readonly problem: string | null
}

export const doctor: Command = {
  name: 'doctor',
  about: 'Check every configured URL: reachable, version, schema, what it serves',
  usage: '',
  examples: ['fanfold doctor', 'fanfold doctor --payments-url postgres://me@db.local/pay --json'],
  async run({ config, json, terminal }) {
    const engines = createEngines({
      logger: createLogger('silent'),
      metrics: createMetrics(),
      clock: systemClock,
      poolSize: 2,
    })
    const findings: Finding[] = []
    try {
      for (const url of storeUrls(config)) {
        const common = { url: redactUrl(url), stores: storesOf(config, url) }
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
