/** What an attacker does to find out whether it reaches others: plain SQL, every relation, every function. Pure. */

import { createHash } from 'node:crypto'
import type { Row } from '../../../../model/observation.ts'
import { identifier, literal, qualified } from '../../../../sql/identifier.ts'
import type { Subject, SubjectFunction, SubjectRelation } from './subject.ts'

export interface Question {
  /** The same in every clone. */
  readonly name: string
  readonly statements: readonly string[]
  /** True where what it does to others' rows is looked at. */
  readonly writes: boolean
  /** Asked only where the question of this name was refused. */
  readonly insteadOf?: string
}

/** Who asks: `role` decides what is worth asking. */
export interface Asker {
  readonly role: string
  /** Views are also asked with a cast that tells what it is given. */
  readonly casts: boolean
}

/** Rows as one number and one digest, whatever their order. */
const digestOf = (from: string) => `SELECT count(*)::text || ' rows ' ||
  md5(coalesce(string_agg(r::text, E'\\n' ORDER BY r::text COLLATE "C"), '')) AS answer FROM (${from}) r`

/** All relations that the role may read at once: one answer that is the same as before ends the matter. */
export function glanceQuestion(
  { relations }: Pick<Subject, 'relations'>,
  { role }: Asker,
): Question {
  const parts = relations
    .filter(({ actors }) => actors.includes(role))
    .map((relation) => `(${digestOf(`SELECT * FROM ${qualified(relation)}`)})`)
  return {
    name: 'reads everything',
    statements: [`SELECT concat_ws(' ', ${["''", ...parts].join(', ')}) AS answer`],
    writes: false,
  }
}

/** Every relation whole and, where that is refused, column by column. */
export function readQuestions(
  { relations, others }: Pick<Subject, 'relations' | 'others'>,
  { role, casts }: Asker,
): readonly Question[] {
  const as = (actor: string, prefix: readonly string[]) =>
    relations
      .filter(({ actors }) => actors.includes(actor))
      .flatMap((relation) => readsOf(relation, { actor, prefix, casts }))
  return [
    ...as(role, []),
    ...others.flatMap((other) => as(other, [`SET LOCAL ROLE ${identifier(other)}`])),
  ]
}

function readsOf(
  relation: SubjectRelation,
  {
    actor,
    prefix,
    casts,
  }: { readonly actor: string; readonly prefix: readonly string[]; readonly casts: boolean },
): readonly Question[] {
  const at = qualified(relation)
  const read = (name: string, ...statements: readonly string[]): Question => ({
    name: `${prefix.length === 0 ? 'reads' : `as ${actor} reads`} ${name}`,
    statements: [...prefix, ...statements],
    writes: false,
  })
  const columns = relation.columns.map(({ name }) => identifier(name))
  const whole = read(at, digestOf(`SELECT * FROM ${at}`))
  return [
    whole,
    ...columns.map((column) => ({
      ...read(`${column} of ${at}`, digestOf(`SELECT ${column} FROM ${at}`)),
      insteadOf: whole.name,
    })),
    ...(relation.kind === 'v' && casts
      ? columns.map((column) =>
          read(
            `${column} of ${at} by a cast`,
            `SELECT count(*)::text AS answer FROM ${at} WHERE ${column}::text::int = 0`,
          ),
        )
      : []),
    // Whoever owns a table takes the policies away first.
    ...(relation.owners.includes(actor) && relation.kind !== 'v' && relation.kind !== 'm'
      ? [
          read(
            `${at} without row security`,
            `ALTER TABLE ${at} DISABLE ROW LEVEL SECURITY`,
            digestOf(`SELECT * FROM ${at}`),
          ),
        ]
      : []),
  ]
}

/** Rows that the administrator found: what is the attacker's and what is the victim's. */
export interface Samples {
  readonly own: Row | undefined
  readonly foreign: Row | undefined
}

export interface WriteScene {
  readonly attacker: string
  /** True for relations that the edit names: they are asked about every column by which rows can meet. */
  readonly isNamed: (relation: SubjectRelation) => boolean
  readonly samplesOf: (relation: SubjectRelation) => Samples
}

export function writeQuestions(
  { relations }: Pick<Subject, 'relations'>,
  { role }: Pick<Asker, 'role'>,
  scene: WriteScene,
): readonly Question[] {
  return relations
    .filter(({ actors, kind }) => actors.includes(role) && kind !== 'm')
    .flatMap((relation) => [
      ...blindWrites(relation, scene),
      ...keyedWrites(relation, scene),
      ...insertions(relation, scene),
    ])
}

function write(name: string, sql: string, writes = true): Question {
  return { name, statements: [sql], writes }
}

/** No column is named but in SET, so that no right to read is needed; a constant of the type is what is assigned. */
function blindWrites(relation: SubjectRelation, scene: WriteScene): readonly Question[] {
  const at = qualified(relation)
  const keyed = new Set(relation.unique.flat())
  const constants = relation.columns
    .filter(({ name }) => !keyed.has(name))
    .flatMap(({ name, type }) => {
      const value = constantOf(type)
      return value === null ? [] : [{ name, value }]
    })
  return [
    write(`deletes all of ${at}`, `DELETE FROM ${at}`),
    write(`truncates ${at}`, `TRUNCATE ${at} CASCADE`),
    ...constants
      .slice(0, scene.isNamed(relation) ? undefined : 1)
      .map(({ name, value }) =>
        write(`sets ${name} of all of ${at}`, `UPDATE ${at} SET ${identifier(name)} = ${value}`),
      ),
    ...(constants.length === 0
      ? []
      : [
          write(
            `sets all of ${at}`,
            `UPDATE ${at} SET ${constants.map(({ name, value }) => `${identifier(name)} = ${value}`).join(', ')}`,
          ),
        ]),
  ]
}

function constantOf(type: string): string | null {
  if (/^(text|character varying)/.test(type)) return `'x'`
  if (/^(integer|bigint|smallint|numeric|double|real)/.test(type)) return '1'
  if (type === 'boolean') return 'false'
  if (/^(date|timestamp)/.test(type)) return `'2001-01-01'`
  return null
}

/** The victim's row by its key, and the attacker's own row given away or given what is the victim's. */
function keyedWrites(relation: SubjectRelation, scene: WriteScene): readonly Question[] {
  const at = qualified(relation)
  const { own, foreign } = scene.samplesOf(relation)
  const key = relation.primary.length > 0 ? relation.primary : (relation.unique[0] ?? [])
  if (key.length === 0) return []
  const whose = (row: Row) =>
    key.map((name) => `${identifier(name)} = ${valueOf(row, name)}`).join(' AND ')
  const mine = (name: string) => (own === undefined ? identifier(name) : valueOf(own, name))
  return [
    ...(foreign === undefined
      ? []
      : [
          write(`deletes the victim's of ${at}`, `DELETE FROM ${at} WHERE ${whose(foreign)}`),
          ...relation.columns
            .slice(0, scene.isNamed(relation) ? undefined : 2)
            .map(({ name }) =>
              write(
                `takes ${name} of the victim's of ${at}`,
                `UPDATE ${at} SET ${identifier(name)} = ${mine(name)} WHERE ${whose(foreign)}`,
              ),
            ),
        ]),
    ...(own === undefined || foreign === undefined
      ? []
      : [
          write(`deletes its own of ${at}`, `DELETE FROM ${at} WHERE ${whose(own)}`),
          ...linking(relation, scene).map((name) =>
            write(
              `gives its own of ${at} the victim's ${name}`,
              `UPDATE ${at} SET ${identifier(name)} = ${valueOf(foreign, name)} WHERE ${whose(own)}`,
              ownsBy(relation) === name,
            ),
          ),
        ]),
  ]
}

function insertions(relation: SubjectRelation, scene: WriteScene): readonly Question[] {
  const at = qualified(relation)
  const { own, foreign } = scene.samplesOf(relation)
  const owner = ownsBy(relation)
  const insert = (name: string, row: Row, { tail = '', writes = true } = {}): Question => {
    const columns = Object.keys(row).filter((column) =>
      relation.columns.some((each) => each.name === column),
    )
    const values = columns.map((column) => valueOf(row, column))
    return write(
      `inserts ${name} into ${at}`,
      `INSERT INTO ${at} (${columns.map(identifier).join(', ')}) VALUES (${values.join(', ')})${tail}`,
      writes,
    )
  }
  const list: Question[] = []
  if (foreign !== undefined) {
    const renewed = fresh(relation, foreign)
    list.push(
      insert(`the victim's row`, foreign),
      insert(`the victim's row or nothing`, foreign, { tail: ' ON CONFLICT DO NOTHING' }),
      insert(`another row of the victim's`, renewed),
    )
    if (owner !== null) {
      const { [owner]: _, ...unowned } = renewed
      list.push(
        insert('a row of nobody', unowned),
        insert(`the victim's row as its own`, { ...foreign, [owner]: scene.attacker }),
      )
    }
  }
  if (own !== undefined) {
    const renewed = fresh(relation, own)
    list.push(
      insert('its own row again', own, { writes: false }),
      insert('a row of its own', renewed),
    )
    if (foreign !== undefined) {
      list.push(
        ...linking(relation, scene)
          .filter((name) => name !== owner)
          .map((name) =>
            insert(
              `its own row with the victim's ${name}`,
              { ...renewed, [name]: foreign[name] ?? null },
              { writes: false },
            ),
          ),
      )
    }
  }
  return list
}

/** Columns by which a row can meet another's: keys, ids, and whose it is. */
function linking(relation: SubjectRelation, scene: WriteScene): readonly string[] {
  const owner = ownsBy(relation)
  if (!scene.isNamed(relation)) return owner === null ? [] : [owner]
  const keyed = new Set([...relation.unique.flat(), owner])
  return relation.columns
    .filter(({ name, type }) => type === 'uuid' || keyed.has(name))
    .map(({ name }) => name)
}

function ownsBy({ owned }: SubjectRelation): string | null {
  return owned !== null && 'column' in owned ? owned.column : null
}

function valueOf(row: Row, name: string): string {
  const value = row[name] ?? null
  return value === null ? 'NULL' : literal(String(value))
}

/** The same row under new keys; what is no text and no uuid stays, and may collide. */
function fresh(relation: SubjectRelation, row: Row): Row {
  const keyed = new Set(relation.unique.flat())
  const owner = ownsBy(relation)
  const changed = relation.columns
    .filter(({ name }) => keyed.has(name) && name !== owner)
    .map(({ name, type }): readonly [string, string] => {
      const value = String(row[name])
      return [name, type === 'uuid' ? uuidFrom(value) : `${value.slice(0, 40)}-x`]
    })
    .filter(([name]) =>
      relation.columns.some(
        (each) => each.name === name && /^(uuid|text|character varying)/.test(each.type),
      ),
    )
  return { ...row, ...Object.fromEntries(changed) }
}

function uuidFrom(value: string): string {
  const digits = createHash('md5').update(value).digest('hex')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

const callsMax = 24

/** Each function with values of both sides for every argument; a cap keeps long lists of arguments short. */
export function callQuestions(
  { functions }: Pick<Subject, 'functions'>,
  { role }: Pick<Asker, 'role'>,
  values: readonly (string | null)[],
): readonly Question[] {
  return functions
    .filter(({ actors }) => actors.includes(role))
    .flatMap((each) =>
      argumentsFor(each, values).map((given) => {
        const call = `${qualified(each)}(${given.join(', ')})`
        return write(`calls ${call}`, digestOf(`SELECT * FROM ${call}`))
      }),
    )
}

function argumentsFor(
  { types }: SubjectFunction,
  values: readonly (string | null)[],
): readonly (readonly string[])[] {
  const domains = types.map((type) => {
    const fitting = values
      .map((value) => (value === null ? null : fits(type, value) ? value : undefined))
      .filter((value) => value !== undefined)
    return [...new Set(fitting)].map((value) =>
      value === null ? `NULL::${type}` : `${literal(value)}::${type}`,
    )
  })
  const total = domains.reduce((product, domain) => product * domain.length, 1)
  const step = Math.max(1, total / callsMax)
  return Array.from({ length: Math.min(total, callsMax) }, (_, index) => {
    let rest = Math.floor(index * step)
    return domains.map((domain) => {
      const picked = domain[rest % domain.length] ?? 'NULL'
      rest = Math.floor(rest / domain.length)
      return picked
    })
  })
}

function fits(type: string, value: string): boolean {
  if (/^(text|character|name)/.test(type)) return true
  if (type === 'uuid') return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value)
  if (/^(integer|bigint|smallint|numeric|double|real)/.test(type)) return /^\d{1,6}$/.test(value)
  if (/^(date|timestamp)/.test(type)) return /^\d{4}-\d\d-\d\d$/.test(value)
  return type === 'boolean' && /^(true|false)$/.test(value)
}
