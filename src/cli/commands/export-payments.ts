import { type CommandRun, UsageError } from '../command.ts'
import { readFanfold } from '../open.ts'
import { writeExport } from './export-file.ts'

export const PAYMENTS = 'payments'

/** The log of payments with its seals, as `fanfold verify payments --export FILE` checks it. */
export async function runExportPayments(run: CommandRun): Promise<number> {
  const { options, terminal } = run
  const other = ['from', 'to', 'format', 'for-spreadsheets'].find((name) => options[name] !== undefined)
  if (other !== undefined)
    throw new UsageError(`payments are exported whole, as JSON Lines; --${other} is not for them`)
  const path = typeof options['out'] === 'string' ? options['out'] : undefined
  return readFanfold(run.config, async ({ paymentProof }) => {
    const bar = terminal.progress('exporting payments')
    let lines = 0
    async function* counted() {
      for await (const line of paymentProof.exportLines()) {
        lines += 1
        bar.update(lines)
        yield line
      }
    }
    try {
      await writeExport(path, counted(), { mode: 0o600 })
    } finally {
      bar.end()
    }
    terminal.say(`${lines.toLocaleString('en-US')} lines exported: the log of payments and its seals`)
    return 0
  })
}
