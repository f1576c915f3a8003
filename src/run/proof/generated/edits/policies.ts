/** Edits of policies and of the row security that makes them count. */

import { identifier, literal, qualified } from '../../../../sql/identifier.ts'
import type { Anatomy, AnatomyPolicy, AnatomyRelation } from '../anatomy.ts'
import { edit, type Edit } from '../edit.ts'
import {
  callsReplaced,
  columnsExchanged,
  conjunctsDropped,
  operatorsSwapped,
  type TextEdit,
} from '../expressions.ts'

const commands = ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'ALL'] as const

export function policyEdits(anatomy: Anatomy): readonly Edit[] {
  return anatomy.policies.flatMap((policy) => {
    const relation = anatomy.relations.find(
      ({ schema, name }) => schema === policy.schema && name === policy.relation,
    )
    if (relation === undefined) return []
    return [...expressionEdits(policy, relation), ...shapeEdits(policy, anatomy)]
  })
}

export function rowSecurityEdits({ relations }: Anatomy): readonly Edit[] {
  return relations
    .filter(({ rowSecurity }) => rowSecurity)
    .flatMap((relation) => [
      edit(
        'row security: disabled',
        `${relation.name} is disabled`,
        `ALTER TABLE ${qualified(relation)} DISABLE ROW LEVEL SECURITY;`,
      ),
      {
        kind: 'row security: not forced',
        title: `${relation.name} is not forced`,
        sql: `ALTER TABLE ${qualified(relation)} NO FORCE ROW LEVEL SECURITY;`,
        power:
          'whoever becomes its owner, and every view and function of its owner, reads all rows',
      },
    ])
}

function expressionEdits(policy: AnatomyPolicy, relation: AnatomyRelation): readonly Edit[] {
  return (['using', 'check'] as const).flatMap((side) => {
    const text = policy[side]
    if (text === null) return []
    return textEdits(text, policy, relation).map(({ how, title, text: changed }) =>
      edit(
        `policy: ${how}`,
        `${policy.relation}.${policy.name} ${side}: ${title}`,
        altered(policy, side === 'using' ? { using: changed } : { check: changed }),
      ),
    )
  })
}

/** Both tests of a policy as one are changed where they are one text: a person would edit both. */
function textEdits(
  text: string,
  { columns }: AnatomyPolicy,
  relation: AnatomyRelation,
): readonly TextEdit[] {
  const others = relation.columns
    .filter(({ type }) => /^(character|text|uuid|boolean)/.test(type))
    .map(({ name }) => name)
  const opened = (title: string, changed: string): TextEdit => ({
    how: 'opened',
    title,
    text: changed,
  })
  return [
    ...operatorsSwapped(text),
    ...conjunctsDropped(text),
    ...columnsExchanged(text, { columns, others }),
    ...callsReplaced(text),
    opened('is true', 'true'),
    opened('is negated', `NOT (${text})`),
    ...columns.map((column) =>
      opened(`${column} is compared with itself`, `${identifier(column)} = ${identifier(column)}`),
    ),
    ...relation.columns.flatMap(({ name, type, common }) => {
      const is = type === 'boolean' ? identifier(name) : `${identifier(name)} = ${literal(common)}`
      if (type === 'boolean') return [opened(`OR ${name}`, `(${text}) OR ${is}`)]
      return common === null ? [] : [opened(`OR ${name} is a common value`, `(${text}) OR ${is}`)]
    }),
    ...settingsOf(text).map((setting) =>
      opened(
        `or ${setting} is not set`,
        `(${text}) OR current_setting(${literal(setting)}, true) IS NULL`,
      ),
    ),
  ]
}

/** The other command, the other role, the other kind, and its other half. */
function shapeEdits(policy: AnatomyPolicy, { roles, relations }: Anatomy): readonly Edit[] {
  const called = `${policy.relation}.${policy.name}`
  const made = (kind: string, title: string, sql: string) =>
    edit(`policy: ${kind}`, `${called} ${title}`, sql)
  const name = identifier(policy.name)
  const others = ['', ...roles].filter((role) => !policy.roles.includes(role))
  return [
    made('dropped', 'is dropped', `DROP POLICY ${name} ON ${onTable(policy)};`),
    made('kind', 'is of the other kind', recreated({ ...policy, permissive: !policy.permissive })),
    ...commands
      .filter((command) => command !== policy.command)
      .map((command) =>
        made('command', `is for ${command}`, recreated(forCommand(policy, command))),
      ),
    ...others.map((role) =>
      made(
        'role',
        `is for ${role === '' ? 'everybody' : role}`,
        `ALTER POLICY ${name} ON ${onTable(policy)} TO ${roleName(role)};`,
      ),
    ),
    ...(policy.using !== null && policy.check !== null
      ? [
          made('half', 'writes whatever it may', altered(policy, { check: 'true' })),
          made(
            'half',
            'reaches every row and checks what comes of it',
            altered(policy, { using: 'true' }),
          ),
        ]
      : []),
    ...relations
      .filter(
        (other) =>
          other.rowSecurity && other.schema === policy.schema && other.name !== policy.relation,
      )
      .slice(0, 1)
      .map((other) =>
        made(
          'moved',
          `stands on ${other.name}`,
          `DROP POLICY ${name} ON ${onTable(policy)};
${created({ ...policy, relation: other.name, name: `${policy.name}_moved` })}`,
        ),
      ),
  ]
}

function forCommand(policy: AnatomyPolicy, command: string): AnatomyPolicy {
  const test = policy.using ?? policy.check
  return {
    ...policy,
    command,
    using: command === 'INSERT' ? null : test,
    check: command === 'SELECT' || command === 'DELETE' ? null : (policy.check ?? test),
  }
}

function altered(
  policy: AnatomyPolicy,
  { using, check }: { readonly using?: string; readonly check?: string },
): string {
  const parts = [
    ...(using === undefined ? [] : [`USING (${using})`]),
    ...(check === undefined ? [] : [`WITH CHECK (${check})`]),
  ]
  return `ALTER POLICY ${identifier(policy.name)} ON ${onTable(policy)} ${parts.join(' ')};`
}

function recreated(policy: AnatomyPolicy): string {
  return `DROP POLICY ${identifier(policy.name)} ON ${onTable(policy)};\n${created(policy)}`
}

function created(policy: AnatomyPolicy): string {
  return (
    [
      `CREATE POLICY ${identifier(policy.name)} ON ${onTable(policy)}`,
      `AS ${policy.permissive ? 'PERMISSIVE' : 'RESTRICTIVE'} FOR ${policy.command}`,
      `TO ${policy.roles.map(roleName).join(', ')}`,
      ...(policy.using === null ? [] : [`USING (${policy.using})`]),
      ...(policy.check === null ? [] : [`WITH CHECK (${policy.check})`]),
    ].join(' ') + ';'
  )
}

function onTable({ schema, relation }: AnatomyPolicy): string {
  return qualified({ schema, name: relation })
}

function roleName(role: string): string {
  return role === '' ? 'PUBLIC' : identifier(role)
}

/** Settings that an expression asks. */
export function settingsOf(text: string): readonly string[] {
  return [
    ...new Set([...text.matchAll(/current_setting\('([^']+)'/g)].map(([, name]) => name ?? '')),
  ]
}
