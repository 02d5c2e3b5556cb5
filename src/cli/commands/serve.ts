import type { Fanfold } from '../../app/fanfold.ts'
import { createLogger } from '../../core/logger.ts'
import type { Command, Terminal } from '../command.ts'
import { openFanfold } from '../open.ts'
import { untilStopped } from '../shutdown.ts'

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
  options: { 'no-workers': { type: 'boolean', about: 'Leave background work to "fanfold work"' } },
  examples: [
    'fanfold serve',
    'fanfold serve --port 3000 --database-url postgres://me@db.local/fanfold',
    'FANFOLD_TIMELINES_URL=redis://cache fanfold serve --no-workers',
  ],
  async run({ config, options, json, terminal }) {
    const stopped = untilStopped(terminal)
    const fanfold = await openFanfold(config, {
      workers: options['no-workers'] !== true,
      logger: createLogger(config.logLevel),
    })
    try {
      const http = await fanfold.createHttp()
      const address = await http.listen({ host: config.host, port: config.port })
      const secret = await firstKey(fanfold)
      if (json) terminal.out(JSON.stringify({ address, docs: `${address}/docs`, api_key: secret ?? null }))
      else greet(terminal, address, fanfold, secret)
      await stopped
    } finally {
      await fanfold.close()
    }
    terminal.say('Stopped.')
    return 0
  },
}
