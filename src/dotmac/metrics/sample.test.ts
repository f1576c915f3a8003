import { expect, test } from 'vitest'
import { prometheusText } from './sample.ts'

test('each metric is announced once, and hostile labels are escaped', () => {
  const name = 'dotmac_tenant_rows'
  const text = prometheusText([
    { name, labels: { tenant: 'a"\n\\' }, value: 1 },
    { name: 'dotmac_index_scans_total', labels: {}, value: 3 },
    { name, labels: { tenant: 'b' }, value: 2 },
  ])
  expect(text).toBe(
    `# HELP ${name} Rows of one table by tenant\n# TYPE ${name} gauge\n` +
      `${name}{tenant="a\\"\\n\\\\"} 1\n${name}{tenant="b"} 2\n` +
      '# HELP dotmac_index_scans_total Scans of each index that begins with or serves the tenant\n' +
      '# TYPE dotmac_index_scans_total counter\ndotmac_index_scans_total 3\n',
  )
})
