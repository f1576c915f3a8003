/** Where and with what it ran: machine, server, settings and the origin of each. */

import type { Report } from '../../model/report.ts'
import { formatBytes, formatCount, formatMs, formatTime } from '../number.ts'
import { formatValue, shortened } from '../text.ts'
import { Scroll, Section } from './section.tsx'
import { Code, Value } from './value.tsx'

export function EnvironmentSection({ report }: { readonly report: Report }) {
  const { environment, target, run } = report
  return (
    <Section id="environment" title="Environment and settings">
      <dl class="facts">
        <dt>Server</dt>
        <dd>
          PostgreSQL <Value text={environment.serverVersion} />, {target.kind},{' '}
          <Code text={target.address} />
        </dd>
        <dt>Databases</dt>
        <dd>
          {target.databases.map((name, index) => (
            <>
              {index > 0 && ', '}
              <Code text={name} />
            </>
          ))}{' '}
          ({target.kept ? 'kept' : 'dropped at the end'})
        </dd>
        <dt>Machine</dt>
        <dd>
          <Value text={environment.platform} />, {environment.cpus} ×{' '}
          <Value text={environment.cpuModel} />, {formatBytes(environment.memoryBytes)}
        </dd>
        <dt>Node</dt>
        <dd>
          <Value text={environment.node} />, peak {formatBytes(environment.nodePeakRssBytes)}
        </dd>
        <dt>Time</dt>
        <dd>
          {formatTime(run.startedAt)} to {formatTime(run.finishedAt)}
        </dd>
        <dt>Stages</dt>
        <dd>
          {run.stages.map(({ stage, durationMs }) => `${stage} ${formatMs(durationMs)}`).join(', ')}
        </dd>
        <dt>Tenants</dt>
        <dd>
          {formatCount(run.tenants.length)}:{' '}
          {run.tenants.slice(0, 30).map(({ id, rows }, index) => (
            <>
              {index > 0 && ', '}
              <Value text={id} max={60} /> <span class="dim">({formatCount(rows)} rows)</span>
            </>
          ))}
          {run.tenants.length > 30 && ` and ${formatCount(run.tenants.length - 30)} more`}
        </dd>
      </dl>
      <div class="columns">
        <Settings settings={report.settings} />
        <ServerSettings settings={environment.serverSettings} />
      </div>
    </Section>
  )
}

function Settings({ settings }: { readonly settings: Report['settings'] }) {
  return (
    <Scroll label="Settings">
      <table>
        <caption>Settings of the run</caption>
        <thead>
          <tr>
            <th scope="col">setting</th>
            <th scope="col">value</th>
            <th scope="col">origin</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(settings).map(([name, { value, origin }]) => (
            <tr>
              <th scope="row">
                <Value text={name} />
              </th>
              <td>
                <bdi>{shortened(formatValue(value), 200)}</bdi>
              </td>
              <td>{origin}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

interface ServerSettingsProps {
  readonly settings: Report['environment']['serverSettings']
}

function ServerSettings({ settings }: ServerSettingsProps) {
  return (
    <Scroll label="Server settings">
      <table>
        <caption>Settings of the server</caption>
        <thead>
          <tr>
            <th scope="col">setting</th>
            <th scope="col">value</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(settings).map(([name, value]) => (
            <tr>
              <th scope="row">
                <Value text={name} />
              </th>
              <td>
                <Value text={value} max={200} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}
