import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { createFanfold } from '../../src/app/fanfold.ts'
import { signWebhook } from '../../src/processors/sandbox/webhook.ts'
import { runCommand } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'

let database: string
let template: Awaited<ReturnType<typeof copyTemplate>>
beforeAll(async () => {
  template = await copyTemplate(inject('embeddedTemplate'))
  database = `pglite:${template.folder}`
  const fanfold = await createFanfold({ database, workers: false })
  const data = { key: 'op_x', reference: 'r', status: 'succeeded', amount: 5, currency: 'USD' }
  const message = JSON.stringify({ id: 'evt_1', type: 'operation.succeeded', data })
  const { headers, body } = signWebhook(message, fanfold.config.sandboxSecret, Date.now())
  await fanfold.payments.receiveWebhook('sandbox', { headers, body: Buffer.from(body) })
  await fanfold.payments.recovery.runDue()
  await fanfold.close()
})
afterAll(() => template.remove())

const inbox = (...args: string[]) => runCommand(['inbox', ...args, '--database-url', database])

it('inbox list shows webhooks in columns, or as JSON, and inbox replay has them applied again', async () => {
  const listed = await inbox('list', '--state', 'waiting')
  expect(listed.code).toBe(0)
  const [head, , row] = listed.stdout.split('\n')
  expect(head).toMatch(/^received +processor +event +type +state +tries +error/)
  expect(row).toMatch(/ sandbox +evt_1 +operation\.succeeded +waiting +1 +operation op_x is not known/)
  expect(row!.indexOf('waiting')).toBe(head!.indexOf('state'))
  expect(JSON.parse((await inbox('list', 'sandbox', '--json')).stdout).items).toMatchObject([{ event_id: 'evt_1' }])
  const replayed = await inbox('replay', 'sandbox', 'evt_1', '--json')
  expect([replayed.code, JSON.parse(replayed.stdout)]).toEqual([0, { replayed: 1 }])
  expect(JSON.parse((await inbox('list', '--json')).stdout).items).toMatchObject([{ attempts: 0, last_error: null }])
})

it.each([[['list', '--state', 'lost']], [['replay']], [['burn']], [[]]])('inbox %j is wrong usage', async (args) => {
  const { code, stdout } = await inbox(...args)
  expect([code, stdout]).toEqual([2, ''])
})
