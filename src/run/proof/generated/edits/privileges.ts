/** Edits of who may do what: relations, columns, functions and schemas, for every role and for everybody. */

import { identifier, qualified } from '../../../../sql/identifier.ts'
import type { Anatomy, AnatomyRelation, Grant } from '../anatomy.ts'
import { edit, type Edit } from '../edit.ts'

const onTables = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
const onViews = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']

export function grantEdits(anatomy: Anatomy): readonly Edit[] {
  const { relations, functions, schemas } = anatomy
  return [
    ...relations.flatMap((relation) => ofRelation(relation, anatomy)),
    ...functions.flatMap(({ signature, grants }) =>
      lacking(anatomy, grants, ['EXECUTE']).map(({ role, privilege }) =>
        edit(
          'grant: function',
          `${privilege} on ${signature} to ${role.title}`,
          `GRANT ${privilege} ON FUNCTION ${signature} TO ${role.sql};`,
        ),
      ),
    ),
    ...schemas.flatMap(({ name, grants }) =>
      lacking(anatomy, grants, ['USAGE', 'CREATE']).map(({ role, privilege }) => ({
        kind: 'grant: schema',
        title: `${privilege} on ${name} to ${role.title}`,
        sql: `GRANT ${privilege} ON SCHEMA ${identifier(name)} TO ${role.sql};`,
        power: privilege === 'CREATE' ? 'objects of its own on the path of others' : null,
      })),
    ),
    ...schemas.flatMap(({ name, grants }) =>
      lacking(anatomy, grants, ['USAGE']).map(({ role }) =>
        edit(
          'grant: schema with all in it',
          `everything in ${name} to ${role.title}`,
          `GRANT USAGE ON SCHEMA ${identifier(name)} TO ${role.sql};
GRANT SELECT ON ALL TABLES IN SCHEMA ${identifier(name)} TO ${role.sql};`,
        ),
      ),
    ),
  ]
}

function ofRelation(relation: AnatomyRelation, anatomy: Anatomy): readonly Edit[] {
  const called = qualified(relation)
  const privileges = relation.kind === 'v' ? onViews : relation.kind === 'm' ? ['SELECT'] : onTables
  const missing = lacking(anatomy, relation.grants, privileges)
  const columns = relation.columns.map(({ name }) => name)
  return [
    ...missing.map(({ role, privilege }) =>
      edit(
        'grant: relation',
        `${privilege} on ${relation.name} to ${role.title}`,
        `GRANT ${privilege} ON ${called} TO ${role.sql};`,
      ),
    ),
    ...missing
      .filter(({ privilege }) => ['SELECT', 'UPDATE'].includes(privilege))
      .flatMap(({ role, privilege }) =>
        columns.map((column) =>
          edit(
            'grant: column',
            `${privilege} of ${relation.name}.${column} to ${role.title}`,
            `GRANT ${privilege} (${identifier(column)}) ON ${called} TO ${role.sql};`,
          ),
        ),
      ),
    ...relation.grants
      .filter(({ grantee }) => anatomy.roles.includes(grantee))
      .map(({ grantee, privilege }) => ({
        kind: 'grant: with grant option',
        title: `${privilege} on ${relation.name} may be passed on by ${grantee}`,
        sql: `GRANT ${privilege} ON ${called} TO ${identifier(grantee)} WITH GRANT OPTION;`,
        power: 'the right can be passed on',
      })),
  ]
}

interface Missing {
  readonly role: { readonly title: string; readonly sql: string }
  readonly privilege: string
}

function lacking(
  { roles }: Anatomy,
  grants: readonly Grant[],
  privileges: readonly string[],
): readonly Missing[] {
  const has = new Set(grants.map(({ grantee, privilege }) => JSON.stringify([grantee, privilege])))
  return ['', ...roles].flatMap((role) =>
    privileges
      .filter((privilege) => !has.has(JSON.stringify([role, privilege])))
      .map((privilege) => ({
        privilege,
        role: {
          title: role === '' ? 'everybody' : role,
          sql: role === '' ? 'PUBLIC' : identifier(role),
        },
      })),
  )
}
