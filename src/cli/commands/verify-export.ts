import { readPublicKeys } from '../../app/keys.ts'
import { linesOf } from '../../app/seals-file.ts'
import { readSealCopies } from '../../payments/proof/documents.ts'
import type { ProofFinding, TrustedKeys } from '../../payments/proof/findings.ts'
import { verifyExport } from '../../payments/proof/verify-export.ts'
import type { CommandRun } from '../command.ts'
import type { Cell } from '../table.ts'

/** The keys of `--public-key`; `undefined` when it was not given. */
export async function trustedKeys({ lists }: CommandRun): Promise<TrustedKeys | undefined> {
  const paths = lists['public-key']
  return paths === undefined ? undefined : readPublicKeys(paths)
}

export const sealsOption = ({ options }: CommandRun): string | undefined =>
  typeof options['seals'] === 'string' ? options['seals'] : undefined

const placeOf = (finding: ProofFinding): string => {
  const { shard, event_id: from, to_event_id: to } = finding
  if (shard === undefined) return ''
  const events = from === undefined ? '' : `, event ${from}${to === undefined || to === from ? '' : ` to ${to}`}`
  return `shard ${shard}${events}`
}

/** Checks an exported log; opens no database. */
export async function verifyExportedPayments(run: CommandRun, path: string) {
  const keys = await trustedKeys(run)
  const sealsPath = sealsOption(run)
  const copies = sealsPath === undefined ? [] : await readSealCopies(linesOf(sealsPath))
  const bar = run.terminal.progress('verifying the export')
  const report = await verifyExport(linesOf(path), { keys, copies, onProgress: (done) => bar.update(done) })
  bar.end()
  if (keys === undefined) run.terminal.say('signatures were not checked: no --public-key was given')
  const figures: (readonly [string, Cell])[] = [
    ['payments', report.payments],
    ['events', report.events],
    ['seals', report.seals],
    ['copies of seals', copies.length],
    ['events sealed', report.sealed_events],
  ]
  const rows = report.findings.map((finding) => [finding.kind, finding.subject, placeOf(finding), finding.problem])
  return { ok: report.ok, report, figures, findings: { head: ['finding', 'subject', 'place', 'problem'], rows } }
}
