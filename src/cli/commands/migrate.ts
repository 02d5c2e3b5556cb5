import { storeUrls } from '../../app/stores.ts'
import { systemClock } from '../../core/clock.ts'
import { createLogger } from '../../core/logger.ts'
import { createMetrics } from '../../core/metrics.ts'
import { createEngines } from '../../engines/registry.ts'
import type { Command } from '../command.ts'
import { table } from '../table.ts'

export const migrate: Command = {
  name: 'migrate',
  about: 'Bring the schema of every configured database up to date',
  usage: '',
  options: { 'dry-run': { type: 'boolean', about: 'Print the steps that are missing and change nothing' } },
  examples: ['fanfold migrate', 'fanfold migrate --dry-run --database-url postgres://me@db.local/fanfold'],
  async run({ config, options, json, terminal }) {
    const dryRun = options['dry-run'] === true
    const engines = createEngines({
      logger: createLogger('warn'),
      metrics: createMetrics(),
      clock: systemClock,
      poolSize: config.poolSize,
    })
    try {
      const results: { engine: string; steps: { version: number; name: string; sql: string }[]; version: number }[] = []
      for (const url of storeUrls(config)) {
        const engine = await engines.open(url)
        const report = await engine.migrate({ dryRun })
        results.push({ engine: engine.url, steps: [...report.pending], version: report.version })
      }
      if (json) terminal.out(JSON.stringify({ dry_run: dryRun, engines: results }))
      else if (dryRun)
        for (const { engine, steps } of results) for (const step of steps) terminal.out(`-- ${engine}\n${step.sql}`)
      for (const { engine, steps, version } of results) {
        const done = dryRun ? `lacks ${steps.length} step(s)` : `is at step ${version}; ${steps.length} applied now`
        terminal.say(`${engine} ${done}`)
        if (!json && steps.length > 0)
          terminal.say(
            table(
              ['step', 'name'],
              steps.map((step) => [step.version, step.name]),
            ),
          )
      }
      return 0
    } finally {
      await engines.close()
    }
  },
}
