/**
 * The search in several threads: each asks its share of the questions on copies of the databases, so that
 * nobody waits for another's locks. Threads instead of processes: they cannot outlive a run that is killed.
 */

import { Worker } from 'node:worker_threads'
import { WatertightError } from '../../errors.ts'
import { noSearch, together } from '../../model/search-summary.ts'
import type { WorldId } from '../../model/tenancy.ts'
import type { CellVerdict, Verdict } from '../../model/verdict.ts'
import type { LoadedProbe, ObservedCell } from '../../probe/ask.ts'
import { fromPlain } from '../store/plain-json.ts'
import { cutShortOf } from '../cut-short.ts'
import type { RunContext } from '../running.ts'
import { databaseName } from '../../reference/site/namespace.ts'
import { cloneDatabase, type Site } from '../../reference/site/provision.ts'
import { inOrder, verify, type VerifyOptions, type VerifyResult } from './verify.ts'

/** What a thread is started with; functions cannot travel. */
export interface ThreadData {
  readonly site: Omit<Site, 'namespace'> & {
    readonly namespace: Omit<Site['namespace'], 'tenantRole'>
  }
  readonly options: Pick<VerifyOptions, 'worlds' | 'statementTimeoutMs' | 'corpus'> & {
    readonly probes: readonly string[]
    readonly search: Record<string, unknown>
    readonly budget: { readonly timeMs: number; readonly endsAt: number } | null
  }
  readonly share: {
    readonly index: number
    readonly of: number
    readonly databases: Readonly<Record<string, string>>
  }
}

export type ThreadMessage =
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'cell'; readonly probe: string; readonly cell: CellVerdict }
  | { readonly kind: 'observed'; readonly observed: string }
  | { readonly kind: 'round'; readonly cases: number }
  | { readonly kind: 'result'; readonly result: VerifyResult }

type ThreadedOptions = Omit<VerifyOptions, 'share'>

/** As `verify`, with `settings.workers` threads; this one is the first of them and has the poolers. */
export async function verifyInThreads(
  context: RunContext,
  options: ThreadedOptions,
): Promise<VerifyResult> {
  const { workers } = context.settings
  const { site } = context.open
  if (workers === 1) return await verify(site, options)
  if (import.meta.url.endsWith('.ts')) {
    throw new WatertightError('WATERTIGHT_BAD_SETTING', '--workers needs the built program', {
      hint: 'Start it with bin/watertight or npm run, which build it',
    })
  }
  const shares = Array.from({ length: workers - 1 }, (_, number) => number + 1)
  const databases = await copies(context, { worlds: options.worlds, shares })
  const threads = shares.map((index) =>
    startThread(context, options, { index, of: workers, databases: databases[index - 1] ?? {} }),
  )
  const mine = verify(site, {
    ...options,
    share: { index: 0, of: workers, databaseOf: (id) => databaseName(site.namespace, id) },
  })
  const results = await Promise.all([mine, ...threads])
  return {
    verdicts: inOrder(
      results.flatMap(({ verdicts }) => verdicts),
      options,
    ),
    timeline: results.flatMap(({ timeline }) => timeline),
    summary: results.map(({ summary }) => summary).reduce(together),
  }
}

interface Copying {
  readonly worlds: readonly WorldId[]
  readonly shares: readonly number[]
}

/** A copy of every world's database for each further thread, by the name of the original. */
async function copies(
  { open }: RunContext,
  { worlds, shares }: Copying,
): Promise<readonly Readonly<Record<string, string>>[]> {
  const all: Record<string, string>[] = []
  for (const index of shares) {
    const mine: Record<string, string> = {}
    for (const id of worlds) {
      const from = databaseName(open.site.namespace, id)
      const to = `${from}_worker_${index}`
      open.databases.add(to)
      await cloneDatabase(open.admin, open.site, { from, to })
      mine[from] = to
    }
    all.push(mine)
  }
  return all
}

/** Never rejects: what a thread could not ask is unknown. */
function startThread(
  context: RunContext,
  options: ThreadedOptions,
  share: ThreadData['share'],
): Promise<VerifyResult> {
  const { probes, search, budget } = options
  const { tenantRole: _, ...namespace } = context.open.site.namespace
  const { seed, runs, claims, timing, examplesMax, controlTenantsMax } = search
  const data: ThreadData = {
    site: { ...context.open.site, namespace },
    share,
    options: {
      worlds: options.worlds,
      statementTimeoutMs: options.statementTimeoutMs,
      corpus: options.corpus,
      probes: probes.map(({ id }) => id),
      search: {
        seed,
        runs,
        claims,
        ...(search.lacks === undefined ? {} : { lacks: search.lacks }),
        ...(timing === undefined ? {} : { timing }),
        ...(examplesMax === undefined ? {} : { examplesMax }),
        ...(controlTenantsMax === undefined ? {} : { controlTenantsMax }),
      },
      budget:
        budget === null
          ? null
          : { timeMs: budget.timeMs, endsAt: context.material.startedAt.getTime() + budget.timeMs },
    },
  }
  const worker = new Worker(new URL('verify-thread-program.js', import.meta.url), {
    workerData: data,
  })
  const stop = () => {
    worker.postMessage('stop')
  }
  search.signal?.addEventListener('abort', stop, { once: true })
  if (search.signal?.aborted === true) stop()
  return new Promise((resolve) => {
    const heard = new Listening(options, probes, (verdict) => originalOf(verdict, context))
    let isDone = false
    const end = (result: () => VerifyResult) => {
      if (!isDone) resolve(result())
      isDone = true
    }
    worker.on('message', (message: ThreadMessage) => {
      const result = heard.take(message)
      if (result !== null) end(() => result)
    })
    worker.on('error', (error) => {
      end(() => heard.unfinished(context, share, error))
    })
    worker.on('exit', (code) => {
      end(() => heard.unfinished(context, share, new Error(`it ended with code ${code}`)))
    })
  })
}

/** The report names the database that was copied. */
function originalOf(verdict: Verdict, { open }: RunContext): Verdict {
  return { ...verdict, database: databaseName(open.site.namespace, verdict.world) }
}

class Listening {
  readonly #options: ThreadedOptions
  readonly #probes: readonly LoadedProbe[]
  readonly #original: (verdict: Verdict) => Verdict
  readonly #verdicts: Verdict[] = []

  constructor(
    options: ThreadedOptions,
    probes: readonly LoadedProbe[],
    original: (verdict: Verdict) => Verdict,
  ) {
    this.#options = options
    this.#probes = probes
    this.#original = original
  }

  /** The result when it is there, else null. */
  take(message: ThreadMessage): VerifyResult | null {
    if (message.kind === 'result') {
      return { ...message.result, verdicts: message.result.verdicts.map(this.#original) }
    }
    if (message.kind === 'round') this.#options.onRound?.(message.cases)
    if (message.kind === 'observed')
      this.#options.search.onObserved?.(fromPlain(JSON.parse(message.observed)) as ObservedCell)
    if (message.kind === 'cell') {
      const loaded = this.#probes.find(({ id }) => id === message.probe)
      if (loaded !== undefined) this.#options.search.onCell?.(loaded, message.cell)
    }
    if (message.kind === 'verdict') {
      const verdict = this.#original(message.verdict)
      this.#verdicts.push(verdict)
      this.#options.onVerdict(verdict)
    }
    return null
  }

  /** What was told so far; coverage counts every question of the share that is missing here as not tried. */
  unfinished(
    { material }: RunContext,
    { index }: ThreadData['share'],
    error: unknown,
  ): VerifyResult {
    material.cutShortBy ??= cutShortOf(error, `search thread ${index}`)
    return { verdicts: this.#verdicts, timeline: [], summary: noSearch }
  }
}
