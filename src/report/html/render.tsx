/** report.html: one self-contained page, a pure function of the record. */

import { createHash } from 'node:crypto'
import { render } from 'preact-render-to-string'
import type { Report } from '../../model/report.ts'
import { Page } from './page.tsx'
import { script } from './script.ts'
import { style } from './style.ts'

/**
 * The same report gives the same bytes. Nothing is fetched: the policy allows the one style sheet and
 * the one script whose hashes it names, and nothing else. https://www.w3.org/TR/CSP3/
 */
export function renderHtml(report: Report): string {
  const policy = [
    `default-src 'none'`,
    `style-src ${hashOf(style)}`,
    `script-src ${hashOf(script)}`,
    'img-src data:',
    `base-uri 'none'`,
    `form-action 'none'`,
  ].join('; ')
  return `<!doctype html>\n${render(
    <html lang="en">
      <head>
        <meta charSet="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={policy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>{`Watertight report: ${report.verdict.word}`}</title>
        <style dangerouslySetInnerHTML={{ __html: style }} />
      </head>
      <body>
        <Page report={report} />
        <script dangerouslySetInnerHTML={{ __html: script }} />
      </body>
    </html>,
  )}\n`
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
