import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FANOUT_TOPIC } from '../social/fanout/fanout.ts'
import { keyed, type Scene } from './scene.ts'

const DAY_MS = 86_400_000
/** The discard port: nobody listens there, so every delivery fails at once. */
const NOWHERE = 'http://127.0.0.1:9/webhooks'
const SETTLED_DAYS = 30

/** Somebody who wants to hear of some events, and can't be reached. */
export async function addEndpoint({ fanfold: { webhooks, config } }: Scene): Promise<void> {
  if (!config.webhookAllowHttp || !config.webhookAllowPrivate) return
  const event_types = ['order.cancelled', 'payment.dispute_opened', 'payment.refund_failed']
  await webhooks.create({ url: NOWHERE, event_types, description: 'Demo: nobody answers here' }, keyed('endpoint'))
}

/** A message that no worker can read ends as a dead letter. */
export async function addDeadLetter({ fanfold: { queue } }: Scene): Promise<void> {
  const isThere = (await queue.deadLetters(FANOUT_TOPIC, 1)).length > 0
  if (!isThere) await queue.publish([{ topic: FANOUT_TOPIC, key: 'demo', payload: { note: 'demo: names no post' } }])
}

/** The settlement file of a month, with what makes a person look: an amount that differs, a line too few and one too many. */
export async function addSettlement({ fanfold, nowMs }: Scene): Promise<void> {
  const lines: string[] = []
  for await (const text of fanfold.sandboxSettlementCsv({
    fromMs: nowMs - SETTLED_DAYS * DAY_MS,
    toMs: nowMs - DAY_MS,
  }))
    lines.push(text.trimEnd())
  const [head, ...rows] = lines
  if (head === undefined || rows.length < 4) return
  const column = head.split(',').indexOf('amount')
  const differing = rows[1]!.split(',').map((cell, index) => (index === column ? String(Number(cell) + 100) : cell))
  const stray = rows[2]!.split(',').map((cell, index) => (index === 1 || index === 2 ? `stray_${index}` : cell))
  const file = [head, rows[0], differing.join(','), ...rows.slice(3), stray.join(',')].join('\n')
  const folder = await mkdtemp(join(tmpdir(), 'fanfold-demo-'))
  try {
    const path = join(folder, 'settlement.csv')
    await writeFile(path, `${file}\n`)
    await fanfold.settlements.importFile(path, { processor: fanfold.sandbox.name })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
