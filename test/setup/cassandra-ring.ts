import { spawn } from 'node:child_process'
import { existsSync, openSync, readFileSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { until } from '../../src/testing/until.ts'
import { startEngine } from './own-server.ts'

const START_MS = 240_000

/** Three nodes for one test, numbered from 1, with data and a port of their own. */
export interface PrivateRing {
  readonly url: string
  /** As by `kill -9`; returns when it is gone. */
  kill(number: number): Promise<void>
  /** Starts one again with the data that it left; returns when it serves. */
  start(number: number): Promise<void>
  remove(): Promise<void>
}

function isGone(pid: number): boolean {
  // Dead, and perhaps not yet buried.
  return !existsSync(`/proc/${pid}/stat`) || /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
}

export async function startRing(): Promise<PrivateRing> {
  const own = await startEngine('cassandra')
  const home = own.folder
  const commands = new Map<number, { readonly command: string[]; readonly uid: number; readonly gid: number }>()
  const pidFile = (number: number) => join(home, `node-${number}.pid`)
  const pidOf = async (number: number) => Number(await readFile(pidFile(number), 'utf8'))

  return {
    url: own.url,
    async kill(number) {
      const pid = await pidOf(number)
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1)
      const { uid, gid } = await stat(`/proc/${pid}`)
      commands.set(number, { command, uid, gid })
      process.kill(pid, 'SIGKILL')
      await until('a node is gone', async () => isGone(pid))
    },
    async start(number) {
      const { command, uid, gid } = commands.get(number)!
      const log = join(home, `node-${number}.log`)
      await writeFile(log, '')
      const out = openSync(log, 'a')
      const child = spawn(command[0]!, command.slice(1), {
        ...{ cwd: home, detached: true, stdio: ['ignore', out, out], env: { ...process.env, HOME: home } },
        ...(process.getuid?.() === 0 ? { uid, gid } : {}),
      })
      child.unref()
      await writeFile(pidFile(number), String(child.pid))
      const isServing = async () => (await readFile(log, 'utf8')).includes('Starting listening for CQL clients')
      await until('a node serves again', isServing, START_MS)
    },
    remove: own.remove,
  }
}
