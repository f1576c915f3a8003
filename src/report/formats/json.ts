/** The record itself, from which every other format comes. */

import type { ReportFormat } from '../format.ts'
import { renderJson } from '../json.ts'

const format: ReportFormat = { title: 'json', extension: 'json', render: renderJson }

export default format
