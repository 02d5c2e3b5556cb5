import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export type Theme = 'light' | 'dark'
export const WIDE = { width: 1_440, height: 900 }
export const PHONE = { width: 390, height: 844 }

export interface ConsoleOptions {
  /** Stored as if somebody had signed in with it; without it the sign-in is shown. */
  readonly apiKey?: string
  readonly theme?: Theme
  readonly viewport?: { readonly width: number; readonly height: number }
}

/** A tab with the console, and what went wrong in it. */
export interface ConsoleTab {
  readonly page: Page
  /** Goes to a page of the console, such as `/orders`, and waits for its heading. */
  go(path: string, heading: string | RegExp): Promise<void>
  /** Axe finds nothing against WCAG 2.2 AA and its best practices, in the theme of the tab. */
  expectAccessible(): Promise<void>
  /** Nothing is wider than the window. */
  expectFits(): Promise<void>
  /** Nothing was asked of another server, no script failed, and the page's policy refused nothing. Answers that the test made fail are allowed. */
  expectSober(): void
  close(): Promise<void>
}

export async function launchBrowser(executablePath: string): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking']
  return chromium.launch({ executablePath, args })
}

export async function openConsole(browser: Browser, address: string, options: ConsoleOptions): Promise<ConsoleTab> {
  const { apiKey, theme = 'light', viewport = WIDE } = options
  const context = await browser.newContext({ viewport, colorScheme: theme, reducedMotion: 'reduce' })
  if (apiKey !== undefined) await context.addInitScript((key) => sessionStorage.setItem('fanfold.api-key', key), apiKey)
  const page = await context.newPage()
  page.setDefaultTimeout(60_000)
  const elsewhere: string[] = []
  const failures: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(`${address}/`) && !request.url().startsWith('blob:')) elsewhere.push(request.url())
  })
  page.on('pageerror', (error) => failures.push(String(error)))
  page.on('console', (message) => {
    // The browser reports each answer that is an error by itself; pages show those.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      failures.push(message.text())
  })
  return {
    page,
    async go(path, heading) {
      await page.goto(`${address}/console${path}`)
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
    },
    async expectAccessible() {
      await page.evaluate(AXE)
      // The dark theme differs in nothing but its colours.
      const rules = theme === 'dark' ? { runOnly: ['color-contrast'] } : {}
      const violations = await page.evaluate(async (options) => {
        const { axe } = window as unknown as {
          axe: {
            run(options: object): Promise<{ violations: { id: string; help: string; nodes: { html: string }[] }[] }>
          }
        }
        const { violations: found } = await axe.run({ ...options, resultTypes: ['violations'] })
        return found.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.slice(0, 3).map(({ html }) => html) }))
      }, rules)
      expect(violations).toEqual([])
    },
    async expectFits() {
      const excess = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(excess, 'pixels that stick out at the right').toBeLessThanOrEqual(0)
    },
    expectSober() {
      expect(elsewhere).toEqual([])
      expect(failures).toEqual([])
    },
    close: () => context.close(),
  }
}
