/** Usage of a tenant by day, from the daily roll-up. */

import type { ScopedStatement } from '../tenant-scope-query.ts'
import { badRequest } from './problem.ts'

/** `from` and `to` are days (YYYY-MM-DD), default the whole time; at most 400 days are returned, newest first. */
export function usageStatement(
  tenantId: string,
  query: Readonly<Record<string, string>>,
): ScopedStatement {
  const day = (name: string, fallback: string) => {
    const text = query[name] ?? fallback
    if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))) return text
    throw badRequest(`${name} is not a day like 2026-01-31`)
  }
  return {
    text: `SELECT day::text AS day, sum(bytes_total)::text AS bytes_total, count(DISTINCT service_id)::int AS services
      FROM isp_analytics_daily WHERE tenant_id = $1 AND day BETWEEN $2::date AND $3::date
      GROUP BY day ORDER BY day DESC LIMIT 400`,
    values: [tenantId, day('from', '1900-01-01'), day('to', '2999-12-31')],
  }
}
