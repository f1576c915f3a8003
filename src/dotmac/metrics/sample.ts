/** Samples and their Prometheus text. */

export interface Sample {
  readonly name: MetricName
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** Every metric with its type and what it means. */
export const metrics = {
  dotmac_tenant_accesses: [
    'gauge',
    'Accesses in the audit trail by acting tenant: the query volume of each tenant',
  ],
  dotmac_tenant_rows: ['gauge', 'Rows of one table by tenant'],
  dotmac_index_scans_total: [
    'counter',
    'Scans of each index that begins with or serves the tenant',
  ],
  dotmac_sequential_scans_total: [
    'counter',
    'Scans of whole tables that tenant indexes were there for',
  ],
  dotmac_rls_overhead_ratio: [
    'gauge',
    'Time of a count under the policies against the same with an explicit WHERE',
  ],
  dotmac_rls_overhead_ratio_low: ['gauge', 'Lower end of the 95 % interval of the ratio'],
  dotmac_rls_overhead_ratio_high: ['gauge', 'Upper end of the 95 % interval of the ratio'],
  dotmac_cross_tenant_attempts: ['gauge', 'Refused accesses in the audit trail by acting tenant'],
  dotmac_pool_connections: ['gauge', 'Connections of the service to the database, by state'],
  dotmac_pool_waiting_requests: ['gauge', 'Requests that wait for a connection'],
  dotmac_pool_waiting_tenants: ['gauge', 'Tenants of which a request waits for a connection'],
  dotmac_pool_longest_queue: [
    'gauge',
    'Requests of the tenant of which most wait for a connection',
  ],
  dotmac_pool_timeouts_total: ['counter', 'Requests that gave up waiting for a connection'],
} as const satisfies Readonly<Record<string, readonly ['gauge' | 'counter', string]>>

export type MetricName = keyof typeof metrics

/** One group for each metric, as the format wants it. https://prometheus.io/docs/instrumenting/exposition_formats/ */
export function prometheusText(samples: readonly Sample[]): string {
  return (Object.keys(metrics) as MetricName[])
    .map((name) => {
      const own = samples.filter((sample) => sample.name === name)
      const [type, help] = metrics[name]
      const head = own.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
      return head + own.map(lineOf).join('')
    })
    .join('')
}

function lineOf({ name, labels, value }: Sample): string {
  const quoted = (text: string) =>
    `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
  const pairs = Object.entries(labels)
    .map(([key, text]) => `${key}=${quoted(text)}`)
    .join(',')
  return `${name}${pairs === '' ? '' : `{${pairs}}`} ${value}\n`
}
