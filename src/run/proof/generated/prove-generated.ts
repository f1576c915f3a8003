/** Mutants that nobody wrote by hand: drawn from the catalogs, sorted by the ground truth, tried like all others. */

import { shareOf } from '../../../judge/proportion.ts'
import type { GeneratedEdit, GeneratedKind, GeneratedScore } from '../../../model/generated.ts'
import type { WorldId } from '../../../model/tenancy.ts'
import { databaseName } from '../../../reference/site/namespace.ts'
import type { OpenSite } from '../../../reference/site/open-site.ts'
import { adminSession } from '../../../reference/site/provision.ts'
import type { Mutant } from '../mutant.ts'
import { prove, type Proof, type ProveOptions } from '../prove.ts'
import { readAnatomy } from './anatomy.ts'
import { candidatesOf, sampleOf } from './candidates.ts'
import { classify, type Classified } from './classify.ts'
import type { Candidate } from './edit.ts'

export interface GeneratedOptions extends Omit<ProveOptions, 'mutants' | 'controls'> {
  readonly size: number
  readonly seed: number
  readonly worlds: readonly WorldId[]
}

interface Drawn {
  readonly candidate: Candidate
  readonly mutant: Mutant
}

export async function proveGenerated(
  open: OpenSite,
  options: GeneratedOptions,
): Promise<GeneratedScore> {
  const candidates: Candidate[] = []
  for (const id of options.worlds) {
    await using admin = await adminSession(open.site.address, databaseName(open.site.namespace, id))
    candidates.push(...candidatesOf(await readAnatomy(admin), id))
  }
  const drawn = sampleOf(candidates, options)
  return { ...(await tryEdits(open, drawn, options)), candidates: candidates.length }
}

/** Sorts the edits by the ground truth, and tries those that do something. */
export async function tryEdits(
  open: OpenSite,
  edits: readonly Candidate[],
  options: Omit<GeneratedOptions, 'size' | 'worlds'>,
): Promise<GeneratedScore> {
  const drawn = edits.map((candidate, index) => ({ candidate, mutant: mutantOf(candidate, index) }))
  const truths = await classify(
    open,
    drawn.map(({ mutant }) => mutant),
    {
      signal: options.search.signal,
      onStep: (what, done, total) => {
        options.onStep(`${what}, ground truth`, done, total)
      },
    },
  )
  const sorted = drawn.map((each) => sortedBy(truths.get(each.mutant), each))
  const proof = await prove(open, {
    ...options,
    mutants: sorted
      .filter(({ what }) => what === 'reaching' || what === 'latent')
      .map(({ mutant }) => mutant),
    controls: [],
  })
  return scoreOf(sorted, { proof, seed: options.seed })
}

/** What no attack can show is killed by the catalogue; which those are is known when the truth is. */
function mutantOf({ title, sql, tenancy, service }: Candidate, index: number): Mutant {
  return {
    id: `generated ${index + 1}`,
    title,
    sql,
    tenancy,
    service,
    expect: 'violated',
    strategy: null,
    http: null,
    operations: null,
    probe: null,
    class: null,
    attackable: true,
    needs: null,
    tenant: null,
    server: null,
    first: false,
    twin: null,
  }
}

type Sort = 'reaching' | 'latent' | 'own' | 'equivalent' | 'undecided'

interface Sorted extends Drawn {
  readonly what: Sort
  readonly truth: string
}

/** A power that nothing is seen of today is latent, whatever its holder gained or lost beside it. */
function sortedBy(truth: Classified | undefined, { candidate, mutant }: Drawn): Sorted {
  const { what, reason } = truth ?? { what: 'undecided', reason: 'the run was interrupted' }
  if (what === 'reaches') return { candidate, mutant, what: 'reaching', truth: reason }
  if (what !== 'undecided' && candidate.power !== null)
    return {
      candidate,
      mutant: { ...mutant, attackable: false },
      what: 'latent',
      truth: candidate.power,
    }
  return { candidate, mutant, what, truth: reason }
}

interface Scored {
  readonly proof: Proof
  readonly seed: number
}

function scoreOf(sorted: readonly Sorted[], { proof, seed }: Scored): GeneratedScore {
  const killed = new Set(proof.mutants.kills.map(({ id }) => id))
  const reasons = new Map(proof.mutants.survived.map(({ id, reason }) => [id, reason]))
  const of = (what: Sort) => sorted.filter((each) => each.what === what)
  const dead = (list: readonly Sorted[]) => list.filter(({ mutant }) => killed.has(mutant.id))
  const told = (list: readonly Sorted[]): readonly GeneratedEdit[] =>
    list
      .filter(({ mutant }) => !killed.has(mutant.id))
      .map(({ candidate, mutant, what, truth }) => ({
        id: mutant.id,
        kind: candidate.kind,
        title: candidate.title,
        world: `${candidate.service}/${candidate.tenancy}`,
        sql: candidate.sql,
        truth: what === 'undecided' ? 'it could not be decided' : truth,
        reason: what === 'undecided' ? truth : (reasons.get(mutant.id) ?? 'it was not tried'),
      }))
  const [reaching, latent] = [of('reaching'), of('latent')]
  const kindOf = (kind: string): GeneratedKind => {
    const here = (list: readonly Sorted[]) =>
      list.filter(({ candidate }) => candidate.kind === kind)
    return {
      kind,
      tried: here(sorted).length,
      reaching: here(reaching).length,
      killed: dead(here(reaching)).length,
      latent: here(latent).length,
      reported: dead(here(latent)).length,
    }
  }
  const kinds = [...new Set(sorted.map(({ candidate }) => candidate.kind))].sort()
  return {
    seed,
    candidates: sorted.length,
    tried: sorted.length,
    reaching: reaching.length,
    killed: dead(reaching).length,
    interval: shareOf(dead(reaching).length, reaching.length),
    latent: latent.length,
    reported: dead(latent).length,
    own: of('own').length,
    equivalent: of('equivalent').length,
    undecided: told(of('undecided')),
    kinds: kinds.map(kindOf),
    survivors: told(reaching),
    unreported: told(latent),
  }
}
