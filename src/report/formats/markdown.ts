/** The short summary for job pages of CI systems. */

import type { ReportFormat } from '../format.ts'
import { renderMarkdown } from '../markdown.ts'

const format: ReportFormat = { title: 'markdown', extension: 'md', render: renderMarkdown }

export default format
