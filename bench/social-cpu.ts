import { readFile } from 'node:fs/promises'
import { query } from './postgres.ts'

/** Linux counts in hundredths of a second for everybody who asks. */
const TICKS_PER_SECOND = 100

/** Seconds that a process has used of the processors; 0 for one that is not (any more), NaN where nobody tells. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold anything, spaces too; user and system time are the 12th and 13th after it.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    return process.platform === 'linux' ? 0 : Number.NaN
  }
}

export interface CpuSeconds {
  readonly node: number
  readonly redis: number
  /** Of the connections to one database; what the server does for all of them is not in it. */
  readonly postgresql: number
}

/** Starts to count; the function that it answers tells what was used since. */
export async function countCpu(
  nodePids: readonly number[],
  redisPid: number,
  database: string,
): Promise<() => Promise<CpuSeconds>> {
  const backends = async () => {
    const rows = await query(database, 'select pid from pg_stat_activity where datname = current_database()')
    return rows.map((row) => row['pid'] as number)
  }
  const known = new Map<number, number>()
  for (const pid of [...nodePids, redisPid, ...(await backends())]) known.set(pid, await cpuSecondsOf(pid))
  const since = async (pids: readonly number[]) => {
    let sum = 0
    for (const pid of pids) sum += Math.max(0, (await cpuSecondsOf(pid)) - (known.get(pid) ?? 0))
    return sum
  }
  return async () => ({
    node: await since(nodePids),
    redis: await since([redisPid]),
    postgresql: await since(await backends()),
  })
}
