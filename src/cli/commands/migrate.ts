import { storeUrls } from '../../app/stores.ts'
import { systemClock } from '../../core/clock.ts'
import type { Config } from '../../core/config.ts'
import { AppError } from '../../core/errors.ts'
import { createLogger } from '../../core/logger.ts'
import { createMetrics } from '../../core/metrics.ts'
import { createEngines } from '../../engines/registry.ts'
import { type Command, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { table } from '../table.ts'

export const migrate: Command = {
  name: 'migrate',
  about: 'Bring the schema of every configured database up to date',
  usage: '',
  options: {
    'dry-run': { type: 'boolean', about: 'Print the steps that are missing and change nothing' },
    roles: { type: 'boolean', about: 'Also make the database roles of writers, projectors and auditors (PostgreSQL)' },
    'role-prefix': { type: 'string', value: 'NAME', about: 'What the names of the roles begin with; fanfold' },
  },
  examples: [
    'fanfold migrate',
    'fanfold migrate --dry-run --database-url postgres://me@db.local/fanfold',
    'fanfold migrate --roles --database-url postgres://owner@db.local/fanfold',
  ],
  async run({ config, options, json, terminal }) {
    const dryRun = options['dry-run'] === true
    const wantsRoles = options['roles'] === true
    if (wantsRoles && dryRun) throw new UsageError('--roles changes the database, --dry-run does not')
    const engines = createEngines({
      logger: createLogger('warn'),
      metrics: createMetrics(),
      clock: systemClock,
      poolSize: config.poolSize,
    })
    try {
      const roles: { engine: string; roles: readonly string[]; created: readonly string[] }[] = []
      const results: { engine: string; steps: { version: number; name: string; sql: string }[]; version: number }[] = []
      for (const url of storeUrls(config)) {
        const engine = await engines.open(url)
        const report = await engine.migrate({ dryRun })
        results.push({ engine: engine.url, steps: [...report.pending], version: report.version })
        const made = wantsRoles ? await engine.createRoles?.(String(options['role-prefix'] ?? 'fanfold')) : undefined
        if (made !== undefined) roles.push({ engine: engine.url, ...made, roles: Object.values(made.roles) })
      }
      if (wantsRoles && roles.length === 0) {
        const urls = results.map(({ engine }) => engine).join(', ')
        throw new AppError('engine_unsupported', `There are no database roles in ${urls}; --roles needs PostgreSQL`)
      }
      if (json) terminal.out(JSON.stringify({ dry_run: dryRun, engines: results, ...(wantsRoles ? { roles } : {}) }))
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
      if (wantsRoles) {
        await prepareFor(config)
        for (const report of roles) terminal.say(rolesText(report))
      }
      return 0
    } finally {
      await engines.close()
    }
  },
}

/** What a writer may not do himself, and the owner therefore does before: name the read models, make partitions. */
async function prepareFor(config: Config): Promise<void> {
  await withFanfold(config, (fanfold) => fanfold.orders.extendReport())
}

function rolesText({
  engine,
  roles,
  created,
}: {
  engine: string
  roles: readonly string[]
  created: readonly string[]
}) {
  const [writer, projector, auditor] = roles
  return [
    `${engine} has the roles ${roles.join(', ')} (${created.length} made now). Grant them to users that log in:`,
    `  serve --no-workers   grant ${writer} to ...;`,
    `  work                 grant ${writer}, ${projector} to ...;`,
    `  verify, export       grant ${auditor} to ...;`,
  ].join('\n')
}
