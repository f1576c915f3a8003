/** Edits of what PostgreSQL runs for a caller: views, functions, triggers. */

import { identifier, qualified } from '../../../../sql/identifier.ts'
import type { Anatomy, AnatomyFunction, AnatomyRelation } from '../anatomy.ts'
import { edit, type Edit } from '../edit.ts'
import {
  callsReplaced,
  conjunctsDropped,
  filtersDropped,
  operatorsSwapped,
  type TextEdit,
} from '../expressions.ts'

export function viewEdits(anatomy: Anatomy): readonly Edit[] {
  return anatomy.relations.flatMap((view) => {
    const { query } = view
    if (query === null) return []
    const replaced = (text: string) =>
      `CREATE OR REPLACE VIEW ${qualified(view)} ${optionsOf(view)}AS\n${text}`
    return [
      ...optionEdits(view),
      ...queryEdits(query, view.schema, anatomy).map(({ how, title, text }) =>
        edit(`view: ${how}`, `${view.name}: ${title}`, replaced(text)),
      ),
    ]
  })
}

function optionsOf({ options }: AnatomyRelation): string {
  return options.length === 0 ? '' : `WITH (${options.join(', ')}) `
}

function optionEdits(view: AnatomyRelation): readonly Edit[] {
  const made = (title: string, sql: string, power: string | null = null): Edit => ({
    kind: 'view: option',
    title: `${view.name}: ${title}`,
    sql,
    power,
  })
  const lost = view.options.map((option) => {
    const name = option.split('=')[0] ?? ''
    return made(
      `${name} is lost`,
      `ALTER VIEW ${qualified(view)} RESET (${name});`,
      name === 'security_barrier'
        ? 'a condition that is cheap and tells what it is given runs before the filter'
        : null,
    )
  })
  const has = (name: string) => view.options.some((option) => option.startsWith(`${name}=`))
  return [
    ...lost,
    ...['security_invoker', 'security_barrier']
      .filter((name) => !has(name))
      .map((name) =>
        made(`${name} is added`, `ALTER VIEW ${qualified(view)} SET (${name} = true);`),
      ),
  ]
}

export function functionEdits(anatomy: Anatomy): readonly Edit[] {
  return anatomy.functions.flatMap((each) => {
    const made = (kind: string, title: string, sql: string): Edit =>
      edit(`function: ${kind}`, `${each.signature}: ${title}`, sql)
    const alter = (what: string) => `ALTER FUNCTION ${each.signature} ${what};`
    const owners = anatomy.roles.filter((role) => role !== each.owner)
    return [
      made(
        'definer',
        each.definer ? 'runs as its caller' : 'runs as its owner',
        alter(`SECURITY ${each.definer ? 'INVOKER' : 'DEFINER'}`),
      ),
      ...owners.map((role) =>
        made(
          'definer of another owner',
          `runs as ${role}`,
          `${alter(`OWNER TO ${identifier(role)}`)}\n${alter('SECURITY DEFINER')}`,
        ),
      ),
      ...[
        ['i', 'IMMUTABLE'],
        ['s', 'STABLE'],
        ['v', 'VOLATILE'],
      ]
        .filter(([letter]) => letter !== each.volatility)
        .map(([, word]) => made('volatility', `is ${word ?? ''}`, alter(word ?? ''))),
      {
        ...made(
          'leakproof',
          each.leakproof ? 'is not leakproof' : 'is leakproof',
          alter(each.leakproof ? 'NOT LEAKPROOF' : 'LEAKPROOF'),
        ),
        power: each.leakproof ? null : 'it runs before the filter of a policy',
      },
      ...each.settings.map((setting) => ({
        ...made('setting', `${setting} is lost`, alter(`RESET ${setting.split('=')[0] ?? ''}`)),
        power: each.definer ? 'its names can be shadowed' : null,
      })),
      ...bodyEdits(each, anatomy).map(({ how, title, text }) =>
        made(`body ${how}`, title, `${text};`),
      ),
    ]
  })
}

/** The head of a definition says nothing that these could change: operators and filters stand in the body. */
function bodyEdits({ definition, schema }: AnatomyFunction, anatomy: Anatomy): readonly TextEdit[] {
  const at = definition.search(/^(AS \$|BEGIN ATOMIC|\s*RETURN )/m)
  if (at < 0) return []
  const [head, body] = [definition.slice(0, at), definition.slice(at)]
  return [...queryEdits(body, schema, anatomy), ...callsReplaced(body)].map((each) => ({
    ...each,
    text: head + each.text,
  }))
}

function queryEdits(query: string, schema: string, { schemas }: Anatomy): readonly TextEdit[] {
  const name = /^[a-z_][a-z0-9_]*$/.test(schema) ? schema : identifier(schema)
  return [
    ...operatorsSwapped(query),
    ...conjunctsDropped(query),
    ...filtersDropped(query),
    ...schemas
      .filter((other) => other.name !== schema && query.includes(`${name}.`))
      .map((other) => ({
        how: 'opened' as const,
        title: `reads ${other.name}`,
        text: query.replaceAll(`${name}.`, `${identifier(other.name)}.`),
      })),
  ]
}

export function triggerEdits({ triggers, relations }: Anatomy): readonly Edit[] {
  const changed = triggers.flatMap(({ schema, relation, name, definition }) => {
    const table = qualified({ schema, name: relation })
    const called = `${relation}.${name}`
    const other = relations.find(
      (each) =>
        each.kind === 'r' && each.schema === schema && each.name !== relation && !each.isPartition,
    )
    return [
      edit(
        'trigger: dropped',
        `${called} is dropped`,
        `DROP TRIGGER ${identifier(name)} ON ${table};`,
      ),
      edit(
        'trigger: disabled',
        `${called} is disabled`,
        `ALTER TABLE ${table} DISABLE TRIGGER ${identifier(name)};`,
      ),
      edit(
        'trigger: disabled',
        `${called} fires for replicas only`,
        `ALTER TABLE ${table} ENABLE REPLICA TRIGGER ${identifier(name)};`,
      ),
      ...(other === undefined
        ? []
        : [
            edit(
              'trigger: moved',
              `${called} stands on ${other.name}`,
              `DROP TRIGGER ${identifier(name)} ON ${table};
${definition.replace(/ ON \S+ /, ` ON ${qualified(other)} `).replace(/(TRIGGER )\S+/, '$1generated_moved')};`,
            ),
          ]),
    ]
  })
  return [...changed, ...copyEdits(relations)]
}

/** A trigger that writes each new row, as text, into a column of another table of the same reach. */
function copyEdits(relations: readonly AnatomyRelation[]): readonly Edit[] {
  const tables = relations.filter(
    ({ kind, isPartition }) => (kind === 'r' || kind === 'p') && !isPartition,
  )
  return tables.flatMap((from) =>
    tables
      .filter((to) => to.name !== from.name && (to.schema === from.schema || !to.rowSecurity))
      .flatMap((to) => {
        const column = to.columns.find(({ type }) => /^(text|character varying)/.test(type))
        if (column === undefined) return []
        const length = Number(/\((\d+)\)/.exec(column.type)?.[1] ?? 200)
        const name = `${identifier(from.schema)}.generated_copy()`
        return [
          edit(
            'trigger: copies',
            `what is written to ${from.name} is copied to ${to.schema}.${to.name}.${column.name}`,
            `CREATE FUNCTION ${name} RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $copy$
BEGIN UPDATE ${qualified(to)} SET ${identifier(column.name)} = left(NEW::text, ${length})
  WHERE ctid = (SELECT min(ctid) FROM ${qualified(to)}); RETURN NULL; END $copy$;
ALTER FUNCTION ${name} OWNER TO ${identifier(from.owner)};
CREATE TRIGGER generated_copy AFTER INSERT OR UPDATE ON ${qualified(from)} FOR EACH ROW EXECUTE FUNCTION ${name};`,
          ),
        ]
      }),
  )
}
