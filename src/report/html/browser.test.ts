/** The page in a real browser: accessible, harmless, narrow enough, and whole without scripts. */

import axe from 'axe-core'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { healthyReport, leakingReport, partialReport } from '../../../fixtures/records/build.ts'
import { renderHtml } from './render.tsx'

const candidates = [
  process.env['WATERTIGHT_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const chromiumPath = candidates.find((path) => path !== undefined && existsSync(path))
if (chromiumPath === undefined)
  console.log('skipped: the page was not opened, because no chromium was found')

const records = { healthy: healthyReport, leaking: leakingReport, partial: partialReport }
const phone = { viewport: { width: 390, height: 844 } }

describe.skipIf(chromiumPath === undefined)('in a browser', { timeout: 60_000 }, () => {
  let browser: ReportBrowser
  beforeAll(async () => {
    browser = await ReportBrowser.launch()
  }, 60_000)
  afterAll(async () => {
    await browser[Symbol.asyncDispose]()
  })

  describe.each(Object.entries(records))('%s', (_, build) => {
    test.each(['light', 'dark'] as const)(
      'axe finds nothing serious in %s colours',
      async (colorScheme) => {
        const { page } = await browser.open(renderHtml(build()), { colorScheme, bypassCSP: true })
        // Folded findings are looked at too.
        await page.evaluate(
          'for (const each of document.querySelectorAll("details")) each.open = true',
        )
        await page.evaluate(axe.source)
        const result = (await page.evaluate('axe.run()')) as axe.AxeResults
        const serious = result.violations.filter(
          (each) => each.impact === 'serious' || each.impact === 'critical',
        )
        const places = (each: axe.Result) =>
          each.nodes
            .slice(0, 3)
            .map((node) => node.html)
            .join(' ')
        expect(serious.map((each) => `${each.id}: ${places(each)}`)).toEqual([])
        expect(result.passes.length).toBeGreaterThan(20)
      },
    )

    test('nothing is blocked, fetched, thrown or changed by a value', async () => {
      const { page, complaints } = await browser.open(renderHtml(build()))
      expect(complaints).toEqual([])
      expect(await page.title()).toMatch(/^Watertight report: (holds|violated|inconclusive)$/)
      expect(
        await page.locator('img, iframe, object, embed, [onerror], [onclick], [style]').count(),
      ).toBe(0)
    })

    test('a phone never scrolls sideways, folded or unfolded', async () => {
      const { page } = await browser.open(renderHtml(build()), phone)
      const width = () => page.evaluate('document.documentElement.scrollWidth')
      expect(await width()).toBe(390)
      await page.evaluate(
        'for (const each of document.querySelectorAll("details")) each.open = true',
      )
      expect(await width()).toBe(390)
    })
  })

  test('without scripts everything is there, and no control that does nothing', async () => {
    const { page, complaints } = await browser.open(renderHtml(leakingReport()), {
      javaScriptEnabled: false,
    })
    expect(complaints).toEqual([])
    for (const heading of [
      'Findings',
      'Isolation matrix',
      'Coverage and assumptions',
      'Performance',
      'Raw data',
    ]) {
      expect(await page.getByRole('heading', { name: heading }).isVisible(), heading).toBe(true)
    }
    expect(await page.locator('.filter:visible, thead button').count()).toBe(0)
    expect(await page.getByText('-- attack').first().isVisible()).toBe(true)
  })

  test('the script filters findings, hides rows that hold and sorts measurements', async () => {
    const { page, complaints } = await browser.open(renderHtml(leakingReport()))
    await page.getByLabel('Filter findings').fill('audit_events')
    expect(await page.locator('.finding:visible').count()).toBe(7)
    await page.getByLabel('only objects with a cell').check()
    expect(await page.locator('.matrix').first().locator('tbody tr:visible').count()).toBe(1)
    await page.getByRole('button', { name: 'ratio' }).click()
    await page.getByRole('button', { name: 'ratio' }).click()
    const slowest = page.getByRole('region', { name: 'Measurements' }).locator('tbody tr').first()
    expect(await slowest.textContent()).toContain('842×')
    expect(complaints).toEqual([])
  })

  test('the policy blocks a script or a picture that got in after all', async () => {
    const broken = renderHtml(healthyReport()).replace(
      '<main',
      `<script>document.title='owned'</script>
      <img src="https://example.invalid/x.png" onerror="document.title='owned'"><main`,
    )
    const { page, complaints } = await browser.open(broken)
    expect(await page.title()).toBe('Watertight report: holds')
    expect(
      complaints.filter((each) => each.includes('Content Security Policy')).length,
    ).toBeGreaterThanOrEqual(2)
  })

  test('the embedded record is the record', async () => {
    const { page } = await browser.open(renderHtml(leakingReport()))
    const embedded = await page.evaluate(
      'JSON.parse(document.getElementById("report-data").textContent)',
    )
    expect(embedded).toEqual(leakingReport())
  })
})

interface OpenedPage {
  readonly page: Page
  /** Policy violations, script errors, dialogs and requests beyond the page itself. */
  readonly complaints: string[]
}

class ReportBrowser implements AsyncDisposable {
  readonly #browser: Browser
  readonly #folder: string

  private constructor(browser: Browser, folder: string) {
    this.#browser = browser
    this.#folder = folder
  }

  static async launch(): Promise<ReportBrowser> {
    const browser = await chromium.launch({
      ...(chromiumPath === undefined ? {} : { executablePath: chromiumPath }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    return new ReportBrowser(browser, await mkdtemp(join(tmpdir(), 'watertight-report-')))
  }

  async open(html: string, options: BrowserContextOptions = {}): Promise<OpenedPage> {
    const file = join(this.#folder, 'report.html')
    await writeFile(file, html)
    const page = await this.#browser.newPage(options)
    const complaints: string[] = []
    page.on('console', (message) => {
      complaints.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => {
      complaints.push(`error: ${error.message}`)
    })
    page.on('dialog', (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('request', (request) => {
      if (!request.isNavigationRequest()) complaints.push(`request: ${request.url()}`)
    })
    await page.goto(pathToFileURL(file).href)
    return { page, complaints }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
