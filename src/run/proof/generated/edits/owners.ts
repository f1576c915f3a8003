/** Edits of roles: what they are, whose members they are, what they start with, and what they own. */

import { identifier, literal, qualified } from '../../../../sql/identifier.ts'
import type { Anatomy } from '../anatomy.ts'
import { edit, type Edit } from '../edit.ts'
import { settingsOf } from './policies.ts'

const attributes = [
  'BYPASSRLS',
  'INHERIT',
  'NOINHERIT',
  'CREATEROLE',
  'CREATEDB',
  'REPLICATION',
  'LOGIN',
  'SUPERUSER',
]

export function roleEdits(anatomy: Anatomy): readonly Edit[] {
  const { roles, predefined, policies, functions, relations, schemas } = anatomy
  const settings = new Set(
    [
      ...policies.flatMap(({ using, check }) => [using ?? '', check ?? '']),
      ...functions.map(({ definition }) => definition),
    ].flatMap(settingsOf),
  )
  const values = new Set(
    policies.flatMap(({ schema, relation, columns }) =>
      relations
        .filter((each) => each.schema === schema && each.name === relation)
        .flatMap((each) => each.columns.filter(({ name }) => columns.includes(name)))
        .flatMap(({ common }) => common ?? []),
    ),
  )
  return [
    ...roles.flatMap((role) =>
      attributes.map((attribute) => ({
        kind: 'role: attribute',
        title: `${role} is ${attribute}`,
        sql: `ALTER ROLE ${identifier(role)} ${attribute};`,
        power: /^(BYPASSRLS|CREATEROLE|REPLICATION|SUPERUSER|LOGIN)$/.test(attribute)
          ? `whoever is ${role} may do what others may not`
          : null,
      })),
    ),
    ...roles.flatMap((member) =>
      [...roles, ...predefined]
        .filter((role) => role !== member)
        .map((role) =>
          edit(
            'role: member',
            `${member} is a member of ${role}`,
            `GRANT ${identifier(role)} TO ${identifier(member)};`,
          ),
        ),
    ),
    ...roles.flatMap((role) => [
      ...[...settings].flatMap((setting) =>
        [...values].map((value) =>
          edit(
            'role: setting',
            `${role} starts with ${setting} = ${value}`,
            `ALTER ROLE ${identifier(role)} SET ${setting.split('.').map(identifier).join('.')} = ${literal(value)};`,
          ),
        ),
      ),
      ...schemas.map(({ name }) =>
        edit(
          'role: setting',
          `${role} starts on the path ${name}`,
          `ALTER ROLE ${identifier(role)} SET search_path = ${identifier(name)};`,
        ),
      ),
    ]),
  ]
}

export function ownerEdits({ relations, functions, schemas, roles }: Anatomy): readonly Edit[] {
  const owned = [
    ...relations
      .filter(({ isPartition }) => !isPartition)
      .map((relation) => ({
        kind:
          relation.kind === 'v' ? 'VIEW' : relation.kind === 'm' ? 'MATERIALIZED VIEW' : 'TABLE',
        sql: qualified(relation),
        owner: relation.owner,
      })),
    ...functions.map(({ signature, owner }) => ({ kind: 'FUNCTION', sql: signature, owner })),
    ...schemas.map(({ name, owner }) => ({ kind: 'SCHEMA', sql: identifier(name), owner })),
  ]
  return owned.flatMap(({ kind, sql, owner }) =>
    roles
      .filter((role) => role !== owner)
      .map((role) => ({
        kind: `owner: ${kind.toLowerCase()}`,
        title: `${role} owns ${sql}`,
        sql: `ALTER ${kind} ${sql} OWNER TO ${identifier(role)};`,
        power: `${role} may change it, grant it and drop it`,
      })),
  )
}
