import { execFile, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort, type OwnProgram, ownFolder, startProgram } from './own-server.ts'

/** Debian's folder of servers is not in everybody's PATH. */
const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin` }

export function hasMariadbProgram(): boolean {
  return ['mariadbd', 'mariadb-install-db'].every((name) => spawnSync(name, ['--help'], { env }).error === undefined)
}

/** A MariaDB server for one test; commits are on disk when they are answered. */
export async function startMariadb(): Promise<OwnProgram> {
  const folder = await ownFolder('mariadb')
  const data = join(folder, 'data')
  const port = await freePort()
  // Only root has to say that it means to be root.
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const install = ['--skip-test-db', '--auth-root-authentication-method=normal', ...user]
  await promisify(execFile)('mariadb-install-db', ['--no-defaults', `--datadir=${data}`, ...install], { env })
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--socket=${join(folder, 'socket')}`,
    '--skip-log-bin',
    '--innodb-flush-log-at-trx-commit=1',
    '--innodb-buffer-pool-size=64M',
    '--performance-schema=off',
    ...user,
  ]
  return await startProgram({
    url: `mysql://root@127.0.0.1:${port}/mysql`,
    folder,
    ready: 'ready for connections',
    launch: () => spawn('mariadbd', args, { env, stdio: ['ignore', 'ignore', 'pipe'] }),
  })
}
