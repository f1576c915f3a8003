/** A thread of the search: it asks its share of the questions and tells what it saw as it goes. */

import { parentPort, workerData } from 'node:worker_threads'
import type { RunSettings } from '../../probe/ask.ts'
import { databaseName } from '../../reference/site/namespace.ts'
import { loadProbes } from '../../probe/load-probes.ts'
import { toPlain } from '../store/plain-json.ts'
import { verify } from './verify.ts'
import type { ThreadData, ThreadMessage } from './verify-threads.ts'

async function work({ site, options, share }: ThreadData): Promise<void> {
  const stop = new AbortController()
  const tell = (message: ThreadMessage) => {
    parentPort?.postMessage(message)
  }
  parentPort?.on('message', () => {
    stop.abort()
  })
  // Names are final already, whatever made them.
  const here = { ...site, namespace: { ...site.namespace, tenantRole: (role: string) => role } }
  const probes = (await loadProbes()).filter(({ id }) => options.probes.includes(id))
  const { budget } = options
  const result = await verify(here, {
    ...options,
    probes,
    search: {
      ...(options.search as unknown as RunSettings),
      signal: stop.signal,
      onCell: ({ id }, cell) => {
        tell({ kind: 'cell', probe: id, cell })
      },
      onObserved: (observed) => {
        let plain: string
        try {
          // Inputs of fast-check may carry functions, which do not travel.
          plain = JSON.stringify(toPlain(observed))
        } catch {
          // What is no plain value cannot be kept: its cell does not hold when judged again.
          return
        }
        tell({ kind: 'observed', observed: plain })
      },
    },
    budget:
      budget === null
        ? null
        : {
            timeMs: budget.timeMs,
            signal: AbortSignal.timeout(Math.max(0, budget.endsAt - Date.now())),
          },
    share: {
      index: share.index,
      of: share.of,
      databaseOf: (id) => {
        const original = databaseName(here.namespace, id)
        return share.databases[original] ?? original
      },
    },
    onVerdict: (verdict) => {
      tell({ kind: 'verdict', verdict })
    },
    onRound: (cases) => {
      tell({ kind: 'round', cases })
    },
  })
  tell({ kind: 'result', result })
  parentPort?.close()
}

await work(workerData as ThreadData)
