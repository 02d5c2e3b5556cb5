import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { runCommand, send, startProcess } from '../setup/process.ts'
import { copyTemplate } from '../setup/template.ts'

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const PATIENCE_MS = 300_000

let template: Awaited<ReturnType<typeof copyTemplate>>
let database: string
beforeAll(async () => {
  template = await copyTemplate(inject('embeddedTemplate'))
  database = `pglite:${template.folder}`
})
afterAll(() => template.remove())

describe('fanfold demo', () => {
  it.each([
    [['demo', '--size', 'huge'], /--size must be one of tiny, small, medium/],
    [['serve', '--demo', '--demo-rate', '1000'], /--demo-rate must be a number from 0 to/],
    [['serve', '--demo-size', 'small'], /go with --demo/],
  ])('%j is wrong usage', async (args, words) => {
    const { code, stderr } = await runCommand([...args, '--database-url', database])
    expect(code).toBe(2)
    expect(stderr).toMatch(words)
  })

  it(
    'is completed by a second run after kill -9, and then moves under serve',
    async () => {
      const args = ['demo', '--size', 'tiny', '--seed', '9', '--json', '--database-url', database]
      const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
      const closed = once(child, 'close')
      // In the middle of orders that are under way at the same time.
      for await (const chunk of child.stderr)
        if (String(chunk).includes('orders  [')) setTimeout(() => child.kill('SIGKILL'), 300)
      await closed
      expect(child.signalCode).toBe('SIGKILL')

      const completed = await runCommand(args)
      expect(completed.code, completed.stderr).toBe(0)
      const summary = JSON.parse(completed.stdout)
      // Every order of the world is there once: those imported, those that lived, and one for each outcome with an order.
      const orders = Object.values<number>(summary.orders).reduce((sum, count) => sum + count, 0)
      expect(orders).toBe(60 + 24 + ORDERS_OF_OUTCOMES)
      const verified = await runCommand(['verify', '--json', '--database-url', database])
      expect(verified.code, verified.stdout).toBe(0)

      const server = await startProcess(database, {}, ['--demo', '--demo-rate', '100'])
      try {
        const newest = async () => {
          const tag = await send(server.address, 'GET', '/v1/system')
          const events = await send(server.address, 'GET', '/v1/orders?limit=1')
          return [tag?.status, events?.body.items[0].order_id]
        }
        const before = await newest()
        expect(before[0]).toBe(200)
        await expect.poll(newest, { timeout: PATIENCE_MS / 3, interval: 250 }).not.toEqual(before)
        expect(server.log()).toContain('The demo is there, and moves.')
      } finally {
        expect(await server.stop()).toBe(0)
      }
    },
    PATIENCE_MS,
  )
})

/** Those of the table of outcomes that pay for an order. */
const ORDERS_OF_OUTCOMES = 21
