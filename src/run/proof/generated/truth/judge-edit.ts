/**
 * The ground truth of an edit: does any tenant, or nobody, now see or change what is another's? It compares a clone
 * that carries the edit with the untouched database, and where they differ it asks whether others' rows are the reason.
 */

import type { Row } from '../../../../model/observation.ts'
import type { Tenant } from '../../../../model/tenant.ts'
import { identifier, literal, qualified } from '../../../../sql/identifier.ts'
import {
  askAsLogin,
  askInside,
  contextOf,
  contextsOf,
  othersRemoved,
  stateSql,
  type Answer,
  type Context,
} from './ask.ts'
import {
  callQuestions,
  glanceQuestion,
  readQuestions,
  writeQuestions,
  type Question,
  type Samples,
} from './questions.ts'
import type { Subject, SubjectRelation } from './subject.ts'

/**
 * `reaches`: others' rows are seen or changed. `own`: something changed, and no other tenant is the reason.
 * `equivalent`: no difference was seen.
 */
export interface EditTruth {
  readonly what: 'reaches' | 'own' | 'equivalent'
  readonly reason: string
}

/** Questions that are put to the experiment at most; a difference beyond them leaves the edit undecided. */
const experimentsMax = 60

/** Remembers what the untouched database answers. */
export class GroundTruth {
  readonly #healthy: Subject
  readonly #reads = new Map<string, Promise<Answers>>()
  readonly #acts = new Map<string, Promise<ActAnswers>>()

  constructor(healthy: Subject) {
    this.#healthy = healthy
  }

  /** Must be called before roles are edited: those are the server's, and the untouched database's too. */
  async prepare(tenants: readonly Tenant[]): Promise<void> {
    for (const context of contextsOf(this.#healthy)) await this.#readsOf(context)
    for (const pair of pairsOf(tenants)) await this.#actsOf({ ...pair, isNamed: () => true })
  }

  /** @throws when a question got no answer from the server, or too many differ to be told apart. */
  async judge(
    edited: Subject,
    { tenants, sql }: { readonly tenants: readonly Tenant[]; readonly sql: string },
  ): Promise<EditTruth> {
    const asked = new Experiments(edited)
    for (const context of contextsOf(edited)) {
      const before = await this.#readsOf(context)
      const after = await readAll(edited, context, before)
      const reason = await asked.read(context, { before, after })
      if (reason !== null) return { what: 'reaches', reason }
    }
    for (const pair of pairsOf(tenants)) {
      const isNamed = ({ name }: SubjectRelation) => sql.includes(name)
      const reason = await this.#actsDiffer(edited, asked, { ...pair, isNamed })
      if (reason !== null) return { what: 'reaches', reason }
    }
    return asked.difference === null
      ? { what: 'equivalent', reason: 'no difference was seen' }
      : { what: 'own', reason: asked.difference }
  }

  async #actsDiffer(edited: Subject, asked: Experiments, act: Act): Promise<string | null> {
    const before = await this.#actsOf({ ...act, isNamed: () => true })
    const context = contextOf(edited, act.attacker)
    const untouched = await stateOf(edited)
    for await (const { question, answer, state } of actAll(edited, act)) {
      const was = before.get(question.name)
      if (answer !== was?.answer) {
        const reason = await asked.act(context, { question, was: was?.answer, answer })
        if (reason !== null) return reason
      }
      const changed = state === null ? null : changedOthers(untouched, state, act.attacker)
      if (changed !== null && changed !== (was?.changed ?? null))
        return `${act.attacker.id} ${question.name}: ${changed} is changed`
    }
    return null
  }

  #readsOf(context: Context): Promise<Answers> {
    const known = this.#reads.get(context.name) ?? readAll(this.#healthy, context)
    this.#reads.set(context.name, known)
    return known
  }

  #actsOf(act: Act): Promise<ActAnswers> {
    const name = JSON.stringify([act.attacker.id, act.victim.id])
    const known = this.#acts.get(name) ?? remembered(this.#healthy, act)
    this.#acts.set(name, known)
    return known
  }
}

interface Answered {
  readonly question: Question
  readonly answer: Answer
}
type Answers = ReadonlyMap<string, Answered>

interface Acted extends Answered {
  /** Null where nothing can have changed. */
  readonly state: State | null
}
/** What others lost or gained by it in the untouched database: nothing, or it is no leak of the edit. */
type ActAnswers = ReadonlyMap<string, { readonly answer: Answer; readonly changed: string | null }>

interface Pair {
  readonly attacker: Tenant
  readonly victim: Tenant
}
interface Act extends Pair {
  readonly isNamed: (relation: SubjectRelation) => boolean
}

/** Everybody attacks the next one. */
function pairsOf(tenants: readonly Tenant[]): readonly Pair[] {
  return tenants.flatMap((attacker, index) => {
    const victim = tenants[(index + 1) % tenants.length]
    return victim === undefined || victim === attacker ? [] : [{ attacker, victim }]
  })
}

/** A context whose glance shows what it showed before is asked nothing more of what it may read. */
async function readAll(
  subject: Subject,
  context: Context,
  before: Answers = new Map(),
): Promise<Answers> {
  const session = context.freshSession ? await subject.connect() : subject.app
  try {
    const answers = new Map<string, Answered>()
    const ask = async (list: readonly Question[]) => {
      const said = await Promise.all(list.map((each) => askAsLogin(session, context, each)))
      list.forEach((question, index) =>
        answers.set(question.name, { question, answer: said[index] ?? null }),
      )
    }
    const glance = glanceQuestion(subject, context)
    await ask([glance])
    const seen = answers.get(glance.name)?.answer ?? null
    const isSame = seen?.startsWith(' ') === true && before.get(glance.name)?.answer === seen
    // The glance itself is no question that could be told: what differs in it is asked one by one.
    if (!isSame && before.size > 0) answers.delete(glance.name)
    const questions = readQuestions(subject, context).filter(
      ({ name }) => !isSame || !/^reads "[^ ]+$/.test(name),
    )
    await ask(questions.filter(({ insteadOf }) => insteadOf === undefined))
    await ask(
      questions.filter(
        ({ insteadOf }) =>
          insteadOf !== undefined && answers.get(insteadOf)?.answer?.startsWith('refused') === true,
      ),
    )
    return answers
  } finally {
    if (context.freshSession) await session[Symbol.asyncDispose]()
  }
}

async function remembered(subject: Subject, act: Act): Promise<ActAnswers> {
  const answers = new Map<string, { answer: Answer; changed: string | null }>()
  const untouched = await stateOf(subject)
  for await (const { question, answer, state } of actAll(subject, act)) {
    const changed = state === null ? null : changedOthers(untouched, state, act.attacker)
    answers.set(question.name, { answer, changed })
  }
  return answers
}

/** Everything the attacker can do, with the rows of everybody afterwards. */
async function* actAll(subject: Subject, act: Act): AsyncGenerator<Acted> {
  const context = contextOf(subject, act.attacker)
  const scene = await sceneOf(subject, act)
  const questions = [
    ...callQuestions(subject, context, scene.values),
    ...writeQuestions(subject, context, { ...scene, isNamed: act.isNamed }),
  ]
  for (const question of questions) {
    const then = question.writes ? { then: stateSql } : {}
    const { answer, attempt } = await askInside(subject, { asker: context, question }, then)
    const seen = attempt.steps.find(({ role }) => role === 'proof')?.observation
    const state = seen?.kind === 'rows' ? stateFrom(seen.rows) : null
    yield { question, answer, state }
  }
}

interface Scene {
  readonly attacker: string
  readonly samplesOf: (relation: SubjectRelation) => Samples
  readonly values: readonly (string | null)[]
}

const anyValues = ['', '%', '0', '1', '100000', '2000-01-01', '2100-01-01', 'true', 'false', null]

/** One row of each side in every table, as the administrator finds them; functions are asked about their ids. */
async function sceneOf(subject: Subject, { attacker, victim }: Pair): Promise<Scene> {
  const sampled = new Map<SubjectRelation, Samples>()
  for (const relation of subject.relations.filter(({ kind }) => kind === 'r' || kind === 'p')) {
    const rowOf = async ({ id }: Tenant): Promise<Row | undefined> => {
      const { owned } = relation
      if (owned !== null && 'tenant' in owned && owned.tenant !== id) return undefined
      const whose =
        owned !== null && 'column' in owned
          ? `WHERE t.${identifier(owned.column)} = ${literal(id)}`
          : ''
      const [row] = await subject.admin.query(
        `SELECT * FROM ${qualified(relation)} t ${whose} ORDER BY t::text COLLATE "C" DESC LIMIT 1`,
      )
      return row
    }
    sampled.set(relation, { own: await rowOf(attacker), foreign: await rowOf(victim) })
  }
  const ids = [...sampled].flatMap(([{ primary }, { foreign }]) =>
    primary.flatMap((name) => foreign?.[name] ?? []),
  )
  return {
    attacker: attacker.id,
    // A table of one tenant alone has no row of the other side; the same table beside it has.
    samplesOf: (relation) => {
      const alike = [...sampled].filter(([each]) => each.name === relation.name)
      const found = (side: keyof Samples) =>
        sampled.get(relation)?.[side] ??
        alike.find(([, samples]) => samples[side] !== undefined)?.[1][side]
      return { own: found('own'), foreign: found('foreign') }
    },
    values: [attacker.id, victim.id, ...anyValues, ...new Set(ids.map(String).slice(0, 6))],
  }
}

type State = ReadonlyMap<string, string>

async function stateOf({ admin }: Subject): Promise<State> {
  return stateFrom(await admin.query(stateSql))
}

function stateFrom(rows: readonly Row[]): State {
  return new Map(
    rows.map((row) => [JSON.stringify([row['relation'], row['owner']]), String(row['rows'])]),
  )
}

function changedOthers(before: State, after: State, attacker: Tenant): string | null {
  const keys = new Set([...before.keys(), ...after.keys()])
  const changed = [...keys].filter((key) => {
    const [, owner] = JSON.parse(key) as readonly [string, string]
    return owner !== attacker.id && before.get(key) !== after.get(key)
  })
  return changed[0] ?? null
}

/** Asks again with and without what is others', as often as allowed; keeps the first difference that is own. */
class Experiments {
  readonly #subject: Subject
  #left = experimentsMax
  difference: string | null = null

  constructor(subject: Subject) {
    this.#subject = subject
  }

  async read(
    context: Context,
    { before, after }: { readonly before: Answers; readonly after: Answers },
  ): Promise<string | null> {
    const differing = [...after.values()].filter(
      ({ question, answer }) => before.get(question.name)?.answer !== answer,
    )
    for (const { question, answer } of differing) {
      const was = before.get(question.name)?.answer
      const reason = await this.act(context, { question, was, answer })
      if (reason !== null) return reason
    }
    return null
  }

  /** A sentence when the answer is another one without others' rows; null, and the difference noted, when it is not. */
  async act(
    context: Context,
    {
      question,
      was,
      answer,
    }: { readonly question: Question; readonly was: Answer | undefined; readonly answer: Answer },
  ): Promise<string | null> {
    const sentence = `${context.name} ${question.name}: ${String(answer)}, before ${String(was ?? 'not possible')}`
    // Without an answer and without a right there is nothing that others' rows could have told.
    if (answer === null || answer === 'refused 42501') {
      this.difference ??= answer === (was ?? answer) ? null : sentence
      return null
    }
    if (this.#left === 0) throw new Error(`more than ${experimentsMax} answers differ`)
    this.#left -= 1
    const asker =
      context.tenant === null
        ? { ...context, enter: context.enter.filter((sql) => !/^(COMMIT|BEGIN)$/.test(sql)) }
        : context
    const ask = async (prepare: readonly string[]) =>
      (await askInside(this.#subject, { asker, question }, { prepare })).answer
    const [again, once, without] = [
      await ask([]),
      await ask([]),
      await ask(othersRemoved(this.#subject, context.tenant?.id ?? null)),
    ]
    if (again === once && again !== without) return sentence
    // What a login starts with is not there in an experiment: nobody is then asked by the number of rows alone.
    if (
      context.tenant === null &&
      rowsIn(answer) > rowsIn(was ?? null) &&
      (await this.#isOwned(question))
    )
      return sentence
    this.difference ??= sentence
    return null
  }

  /** Is what the question shows made of rows that have owners? Asked as the administrator. */
  async #isOwned({ statements }: Question): Promise<boolean> {
    const last = statements.at(-1) ?? ''
    const see = async (prepare: readonly string[]) => {
      const { steps } = await this.#subject.admin.attempt([
        ...prepare.map((sql) => ({ sql, role: 'context' as const })),
        { sql: last, role: 'proof' },
      ])
      return JSON.stringify(steps.at(-1)?.observation)
    }
    const removed = othersRemoved(this.#subject, null)
    return (
      (await see([])) !== (await see(['SET LOCAL session_replication_role = replica', ...removed]))
    )
  }
}

function rowsIn(answer: Answer): number {
  return Number(/^(\d+) rows/.exec(answer ?? '')?.[1] ?? 0)
}
