import type { Fanfold } from '../../app/fanfold.ts'
import { createLogger } from '../../core/logger.ts'
import { createDemoClock } from '../../demo/clock.ts'
import { planDemo } from '../../demo/marker.ts'
import { type Command, type Terminal, UsageError } from '../command.ts'
import { openFanfold } from '../open.ts'
import { untilStopped } from '../shutdown.ts'
import { demoConfig, demoOptions, demoWishes, serveDemo } from './demo.ts'

/** The secret of a key made at the first start; nothing when there is a key already. */
async function firstKey(fanfold: Fanfold): Promise<string | undefined> {
  if (fanfold.config.apiKey !== undefined || (await fanfold.apiKeys.list()).length > 0) return undefined
  return (await fanfold.apiKeys.create('first start', ['admin'])).secret
}

function greet(terminal: Terminal, address: string, fanfold: Fanfold, secret: string | undefined): void {
  const request = (method: string, path: string, body?: string) =>
    [
      '  curl -s',
      ...(method === 'GET' ? [] : [`-X ${method}`]),
      `${address}${path} -H "Authorization: Bearer $KEY"`,
      ...(body === undefined ? [] : [`-H 'Content-Type: application/json' -d '${body}'`]),
    ].join(' ')
  const key =
    secret !== undefined
      ? `  KEY=${secret}`
      : fanfold.config.apiKey !== undefined
        ? '  KEY=$FANFOLD_API_KEY'
        : '  KEY=...   (the key of the first start; while stopped, "fanfold keys create" makes another)'
  terminal.out(
    [
      '',
      `Fanfold listens on ${address}`,
      `  docs      ${address}/docs`,
      `  database  ${fanfold.config.databaseUrl.replace(/:[^:@/]*@/, ':***@')}`,
      ...(secret === undefined ? [] : [`  API key   ${secret}   (shown this once; it may do everything)`]),
      '',
      'Try:',
      key,
      request('POST', '/v1/users', '{"user_id":"ada","handle":"ada","name":"Ada"}'),
      request('POST', '/v1/posts', '{"user_id":"ada","content":{"text":"Hello"}}'),
      request('GET', '/v1/users/ada/timeline'),
      '',
      'Stop with Ctrl-C.',
      '',
    ].join('\n'),
  )
}

export const serve: Command = {
  name: 'serve',
  about: 'Serve the HTTP API, with background work in the same process',
  usage: '',
  options: {
    'no-workers': { type: 'boolean', about: 'Leave background work to "fanfold work"' },
    demo: { type: 'boolean', about: 'Fill an empty database with a made-up world first, and keep it moving' },
    ...demoOptions('demo-'),
  },
  examples: [
    'fanfold serve',
    'fanfold serve --demo --demo-size small',
    'fanfold serve --port 3000 --database-url postgres://me@db.local/fanfold',
    'FANFOLD_TIMELINES_URL=redis://cache fanfold serve --no-workers',
  ],
  async run(run) {
    const { options, json, terminal } = run
    const isDemo = options['demo'] === true
    const wishes = demoWishes(run, 'demo-')
    const withoutWorkers = options['no-workers'] === true
    if (isDemo && withoutWorkers) throw new UsageError('--demo needs background work; leave out --no-workers')
    if (!isDemo && Object.keys(demoOptions('demo-')).some((name) => options[name] !== undefined))
      throw new UsageError('--demo-seed, --demo-size and --demo-rate go with --demo')
    const config = isDemo ? demoConfig(run.config) : run.config
    const clock = createDemoClock()
    const stopped = untilStopped(terminal)
    const fanfold = await openFanfold(config, {
      // The demo starts them when the past is written.
      workers: !withoutWorkers && !isDemo,
      logger: createLogger(config.logLevel),
      ...(isDemo ? { clock } : {}),
    })
    try {
      const plan = isDemo ? await planDemo(fanfold, wishes.seed, wishes.sizeName) : undefined
      const http = await fanfold.createHttp()
      const address = await http.listen({ host: config.host, port: config.port })
      const secret = await firstKey(fanfold)
      if (json) terminal.out(JSON.stringify({ address, docs: `${address}/docs`, api_key: secret ?? null }))
      else greet(terminal, address, fanfold, secret)
      if (plan !== undefined) await serveDemo(terminal, { fanfold, clock, plan, rate: wishes.rate, address, stopped })
      await stopped
    } finally {
      await fanfold.close()
    }
    terminal.say('Stopped.')
    return 0
  },
}
