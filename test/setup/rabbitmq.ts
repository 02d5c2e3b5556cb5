import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Connection } from 'rabbitmq-client'
import { inject } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { openRabbit } from '../../src/engines/rabbitmq/client.ts'
import { openRabbitQueue } from '../../src/engines/rabbitmq/engine.ts'
import { lockQueueOf, queuesOf, topicsQueueOf } from '../../src/engines/rabbitmq/names.ts'
import { targetOf } from '../../src/engines/rabbitmq/target.ts'
import { createTopology } from '../../src/engines/rabbitmq/topology.ts'
import { parseUrl } from '../../src/engines/registry.ts'
import type { Queue } from '../../src/queue/port.ts'
import type { QueueOptions } from '../../src/queue/queue.ts'
import { testContext } from './context.ts'
import { freePort, type OwnServer, ownFolder, startProgram } from './own-server.ts'

/** The broker that answers; see `engines.ts` beside this file. */
export const rabbitServer = (): string | undefined => inject('rabbitmqUrl')

/** A URL with a prefix that nobody else uses. */
export function ownRabbitUrl(url: string): string {
  const own = new URL(url)
  own.searchParams.set('prefix', `test-${randomBytes(6).toString('hex')}`)
  return own.href
}

/** A queue with connections of its own, as another process would have. */
export interface RabbitTestQueue extends Queue {
  /** Ends the connections without a word, as the end of the process would. */
  sever(): Promise<void>
}

export async function openRabbitTestQueue(url: string, options: QueueOptions = {}): Promise<RabbitTestQueue> {
  const target = targetOf(parseUrl(url))
  const client = await openRabbit(target, silentLogger)
  const queue = openRabbitQueue(client, target, testContext(), options)
  return {
    ...queue,
    sever: () => client.close(),
    async close() {
      await queue.close()
      await client.close()
    },
  }
}

/** Deletes everything that bears the prefix of the URL. */
export async function removeRabbitQueues(url: string): Promise<void> {
  const target = targetOf(parseUrl(url))
  const { prefix } = target
  const client = await openRabbit(target, silentLogger)
  try {
    const topics = await createTopology(client, prefix, systemClock).topics()
    const names = topics.flatMap((topic) => queuesOf(prefix, topic).map(({ name }) => name))
    await client.withChannel(async (channel) => {
      for (const name of [...names, topicsQueueOf(prefix), lockQueueOf(prefix)]) await channel.deleteQueue(name)
    })
  } finally {
    await client.close()
  }
  const connection = new Connection(rawUrl(url))
  await connection.exchangeDelete({ exchange: target.eventsExchange })
  await connection.close()
}

/** Without what only Fanfold understands. */
export const rawUrl = (url: string): string => url.replace(/\?.*$/, '')

const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server'

export const hasRabbitProgram = (): boolean =>
  existsSync(PROGRAM) && spawnSync('setpriv', ['--version']).status === 0 && spawnSync('which', ['epmd']).status === 0

/** A broker for one test, with an Erlang network of its own. */
export async function startRabbit(): Promise<OwnServer> {
  const folder = await ownFolder('rabbitmq')
  const [port, distPort, epmdPort] = [await freePort(), await freePort(), await freePort()]
  const config = join(folder, 'rabbitmq.conf')
  const plugins = join(folder, 'enabled_plugins')
  const settings = [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    'vm_memory_high_watermark.absolute = 512MB',
    'disk_free_limit.absolute = 50MB',
    'raft.wal_max_size_bytes = 32000000',
  ]
  await writeFile(config, `${settings.join('\n')}\n`)
  await writeFile(plugins, '[].\n')
  const env = {
    ...process.env,
    HOME: folder,
    RABBITMQ_NODENAME: 'fanfold@localhost',
    RABBITMQ_DIST_PORT: String(distPort),
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: folder,
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: config,
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: plugins,
    RABBITMQ_PLUGINS_EXPAND_DIR: join(folder, 'plugins'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RUNNING_UNDER_SYSTEMD: 'true',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +sbwtdcpu none +sbwtdio none',
  }
  // epmd, which tells the ports of Erlang nodes, ends with the broker; one that the broker starts itself would stay.
  const script = `setpriv --pdeathsig KILL epmd -port ${epmdPort} -address 127.0.0.1 &
    until (: </dev/tcp/127.0.0.1/${epmdPort}) 2>/dev/null; do sleep 0.05; done
    exec ${PROGRAM}`
  return await startProgram({
    url: `amqp://guest:guest@127.0.0.1:${port}/`,
    folder,
    ready: 'Server startup complete',
    launch: () => spawn('bash', ['-c', script], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] }),
  })
}
