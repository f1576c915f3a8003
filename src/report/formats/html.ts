/** The page for people. */

import type { ReportFormat } from '../format.ts'
import { renderHtml } from '../html/render.tsx'

const format: ReportFormat = { title: 'html', extension: 'html', render: renderHtml }

export default format
