import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createFanfold } from '../../src/app/fanfold.ts'
import { runCommand } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'

let template: Awaited<ReturnType<typeof copyTemplate>>
let database: string
let paid: string
let stuck: { readonly id: string; readonly opId: string }
beforeAll(async () => {
  template = await copyTemplate(inject('embeddedTemplate'))
  database = `pglite:${template.folder}`
  const fanfold = await createFanfold({ database, workers: false })
  const made = async (token: string) => {
    const input = { amount: 2_500, currency: 'USD', payment_method: { type: 'card', token } }
    const { payment_intent_id: id } = await fanfold.payments.create(input, { idempotencyKey: `create-${token}` })
    return await fanfold.payments.authorize(id, {}, { idempotencyKey: `authorize-${token}` })
  }
  paid = (await made('tok_ok')).payment_intent_id
  const { payment_intent_id: id, pending_operation: pending } = await made('tok_wrong_currency')
  stuck = { id, opId: pending!.op_id }
  await fanfold.close()
})
afterAll(() => template.remove())

const run = (...args: string[]) => runCommand([...args, '--database-url', database])

describe('fanfold operations', () => {
  it('lists what waits for a person in columns, or all of one payment', async () => {
    const listed = await run('operations', 'list')
    expect([listed.code, listed.stderr]).toEqual([0, expect.stringContaining('1 operations')])
    const [head, , row] = listed.stdout.split('\n')
    expect(head).toMatch(/^operation +payment +kind +minor units +processor +status/)
    expect(row).toContain(stuck.opId)
    expect(row!.indexOf('review')).toBe(head!.indexOf('status'))
    const { stdout } = await run('operations', 'list', '--payment', paid, '--json')
    expect(JSON.parse(stdout).items).toMatchObject([
      { payment_intent_id: paid, kind: 'authorize', status: 'succeeded' },
      { payment_intent_id: paid, kind: 'capture', status: 'succeeded' },
    ])
  })

  it('refuses a decision without a word of how it is known, and a status that is none', async () => {
    expect(await run('operations', 'resolve', stuck.opId, '--failed')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--note'),
    })
    expect(await run('operations', 'list', '--status', 'lost')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('must be one of'),
    })
  })

  it('takes a decision once', async () => {
    const decide = () => run('operations', 'resolve', stuck.opId, '--failed', '--note', 'seen in its dashboard')
    expect(await decide()).toMatchObject({ code: 0, stderr: expect.stringContaining(`${stuck.opId} is decided`) })
    expect(await decide()).toMatchObject({ code: 1, stderr: expect.stringContaining(`${stuck.opId} is failed`) })
    expect(JSON.parse((await run('operations', 'list', '--json')).stdout)).toEqual({ items: [] })
  })
})

describe('fanfold import and report settlement', () => {
  let file: string
  beforeAll(async () => {
    file = join(template.folder, '..', 'payout.csv')
    expect((await run('export', 'sandbox_settlement', '--out', file)).code).toBe(0)
  })

  it('finds that the books of the processor are ours', async () => {
    const imported = await run('import', 'settlement', file, '--processor', 'sandbox')
    expect([imported.code, imported.stderr]).toEqual([0, expect.stringMatching(/1 matched, .*0 differing/)])
    const { items } = JSON.parse((await run('report', 'settlement', '--json')).stdout)
    expect(items).toMatchObject([{ processor: 'sandbox', status: 'reconciled', matched: 1 }])
    const report = await run('report', 'settlement', items[0].settlement_id)
    expect(report.code).toBe(0)
    expect(report.stdout).toMatch(/^type +currency +lines +amount +fee$/m)
    expect(report.stdout).toMatch(/^charge +USD +1 +25\.00 /m)
  })

  it('tells what differs, line by line, and ends with 1', async () => {
    const [heading, line] = (await readFile(file, 'utf8')).split('\n')
    const wrong = join(template.folder, '..', 'wrong.csv')
    await writeFile(wrong, `${heading}\n${line!.replace(',2500,', ',2400,')}\n`)
    const imported = await run('import', 'settlement', wrong, '--processor', 'sandbox', '--json')
    const { settlement_id: id } = JSON.parse(imported.stdout).settlement
    const { code, stdout } = await run('report', 'settlement', id)
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ *2 +differing: amount, settled_before +charge .* 24\.00 USD +25\.00 USD$/m)
    expect(await run('report', 'settlement', 'st_none')).toMatchObject({ code: 1, stderr: /not known|no settlement/i })
  })
})
