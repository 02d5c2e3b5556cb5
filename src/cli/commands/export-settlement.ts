import { type CommandRun, UsageError } from '../command.ts'
import { withFanfold } from '../open.ts'
import { writeExport } from './export-file.ts'

export const SANDBOX_SETTLEMENT = 'sandbox_settlement'
const DAY_MS = 86_400_000

function startOf(value: unknown, name: string): number | undefined {
  if (value === undefined) return undefined
  const ms =
    typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN
  if (Number.isNaN(ms)) throw new UsageError(`--${name} must be a day, YYYY-MM-DD`)
  return ms
}

/** A settlement file as the sandbox processor would send it, for trying out `fanfold import settlement`. */
export async function runExportSettlement(run: CommandRun): Promise<number> {
  const { options, config } = run
  const other = ['format', 'for-spreadsheets'].find((name) => options[name] !== undefined)
  if (other !== undefined) throw new UsageError(`a settlement file is CSV; --${other} is not for it`)
  const [fromMs, lastMs] = [startOf(options['from'], 'from'), startOf(options['to'], 'to')]
  const path = typeof options['out'] === 'string' ? options['out'] : undefined
  return withFanfold(config, async (fanfold) => {
    const period = {
      ...(fromMs === undefined ? {} : { fromMs }),
      ...(lastMs === undefined ? {} : { toMs: lastMs + DAY_MS }),
    }
    await writeExport(path, fanfold.sandboxSettlementCsv(period))
    run.terminal.say('The books of the sandbox are exported as a settlement file')
    return 0
  })
}
