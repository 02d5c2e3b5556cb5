// Takes the pictures of docs/console/ of a demo world: npm run screenshots [-- --only <name>]
// It fills a database of its own in a temporary folder (about a minute) and needs Chromium (Debian: apt install chromium).

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'
import { createClient } from '../dist/client/index.js'

const KEY = 'screenshots-key-0123456789'
const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const FOLDER = fileURLToPath(new URL('../docs/console/', import.meta.url))
const WIDE = { width: 1_360, height: 850 }
const PHONE = { width: 390, height: 844 }
const browserPath = process.env.FANFOLD_TEST_CHROMIUM ?? '/usr/bin/chromium'

async function first(client, path, query = {}) {
  for await (const item of client.list(path, { params: { query }, max: 1 })) return item
  throw new Error(`${path} has nothing to show`)
}

/** Name of the picture, address, heading; a theme and a size if not light and wide. */
async function shots(client) {
  const user = (await first(client, '/v1/users')).user_id
  const order = (await first(client, '/v1/orders', { status: 'DELIVERED' })).order_id
  const payment = (await first(client, '/v1/payments', { status: 'captured' })).payment_intent_id
  return [
    { name: 'overview', path: '/' },
    { name: 'overview-dark', path: '/', theme: 'dark' },
    { name: 'overview-phone', path: '/', viewport: PHONE },
    { name: 'social', path: `/social/${user}` },
    { name: 'orders', path: '/orders' },
    { name: 'order', path: `/orders/${order}` },
    { name: 'products', path: '/products' },
    { name: 'report', path: '/report' },
    { name: 'report-dark', path: '/report', theme: 'dark' },
    { name: 'payments', path: '/payments' },
    { name: 'payment', path: `/payments/${payment}` },
    { name: 'payments-review', path: '/payments/review' },
    { name: 'payments-disputes', path: '/payments/disputes' },
    { name: 'payments-ledger', path: '/payments/ledger' },
    { name: 'operations', path: '/operations' },
    { name: 'operations-webhooks', path: '/operations/webhooks' },
  ]
}

async function main() {
  const { values } = parseArgs({ options: { only: { type: 'string' } } })
  const folder = mkdtempSync(join(tmpdir(), 'fanfold-screenshots-'))
  const env = {
    ...process.env,
    FANFOLD_API_KEY: KEY,
    FANFOLD_DATABASE_URL: `pglite:${join(folder, 'data')}`,
    FANFOLD_STORE_TIME_ZONE: 'Europe/Berlin',
  }
  let server
  try {
    spawnSync(process.execPath, [MAIN, 'demo'], { env, stdio: 'inherit' })
    server = spawn(process.execPath, [MAIN, 'serve', '--json', '--port', '0', '--log-level', 'error'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = await once(createInterface({ input: server.stdout }), 'line')
    const { address } = JSON.parse(line)
    const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox', '--disable-gpu'] })
    mkdirSync(FOLDER, { recursive: true })
    const wanted = (await shots(createClient({ baseUrl: address, apiKey: KEY }))).filter(
      ({ name }) => values.only === undefined || name.startsWith(values.only),
    )
    for (const { name, path, theme = 'light', viewport = WIDE } of wanted) {
      const context = await browser.newContext({ viewport, colorScheme: theme, reducedMotion: 'reduce' })
      await context.addInitScript((key) => sessionStorage.setItem('fanfold.api-key', key), KEY)
      const page = await context.newPage()
      await page.goto(`${address}/console${path}`)
      await page.getByRole('heading', { level: 1 }).waitFor()
      // Charts and lists that ask a second time.
      await page.waitForTimeout(3_000)
      await page.screenshot({ path: join(FOLDER, `${name}.png`) })
      await context.close()
      process.stderr.write(`docs/console/${name}.png\n`)
    }
    await browser.close()
  } finally {
    server?.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
}

await main()
