/** Ways of writing rows: what each one changed is asked of the server, not of its command tag. */

import type { RelationKind, TablePrivilege } from '../../model/catalog.ts'
import type { Statement } from '../../model/observation.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { copyLike, insertLike, newRowLike } from '../statements.ts'
import type { WriteRequest } from './write-request.ts'

export interface WriteForm {
  /** Column of the matrix. */
  readonly id: string
  readonly privilege: TablePrivilege
  readonly kinds?: readonly RelationKind[]
  /** First server version that has the statement. Default: all. */
  readonly since?: number
  /** Form whose success on own rows is the positive control, where this one never succeeds. */
  readonly controlledBy?: string
  /** Attack statements; null when they cannot be written here. */
  readonly build: (request: WriteRequest) => readonly Statement[] | null
}

const stored: readonly RelationKind[] = ['table', 'partitioned table', 'partition']

function form(
  id: string,
  privilege: TablePrivilege,
  sql: (request: WriteRequest) => string | null,
): WriteForm {
  return {
    id,
    privilege,
    build: (request) => {
      const text = sql(request)
      return text === null ? null : [{ sql: text, role: 'attack' }]
    },
  }
}

const merge = (request: WriteRequest, action: string) => `MERGE INTO ${request.foreign.address} AS t
  USING (SELECT 1 AS one) AS s ON ${request.foreignKey} ${action}`

/** `(a, b) VALUES (1, 2)` of a new row like the victim's. */
const columnsAndValues = ({ foreign, foreignRow }: WriteRequest) =>
  /\((.*)\)$/s.exec(
    insertLike(foreign.relation, foreignRow).replace(`INSERT INTO ${foreign.address} `, ''),
  )?.[0] ?? ''

/** Rows move by their tenant column; where the schema is the owner nothing can be moved in place. */
const moved =
  (to: (request: WriteRequest) => string, which: (request: WriteRequest) => string) =>
  (request: WriteRequest): string | null => {
    const { tenantColumn, address, relation } = request.foreign
    if (tenantColumn === null || relation.schema !== request.own.relation.schema) return null
    return `UPDATE ${address} SET ${identifier(tenantColumn)} = ${literal(to(request))}${which(request)}`
  }
const toAttacker = ({ attacker }: WriteRequest) => attacker.id
const toVictim = ({ victim }: WriteRequest) => victim.id
const everywhere = () => ''

export const writeForms: readonly WriteForm[] = [
  form('INSERT', 'INSERT', ({ foreign, foreignRow }) => insertLike(foreign.relation, foreignRow)),
  form('INSERT multi-row', 'INSERT', ({ foreign, foreignRow, ownRow }) => {
    const [first, second] = [ownRow, foreignRow].map((row, index) =>
      newRowLike(foreign.relation, row, { salt: index + 1 }),
    )
    if (first === undefined || second === undefined) return null
    const names = Object.keys(second).filter((name) => name in first)
    const values = [first, second].map(
      (row) =>
        `(${names.map((name) => literal(row[name] === null ? null : String(row[name]))).join(', ')})`,
    )
    return `INSERT INTO ${foreign.address} (${names.map(identifier).join(', ')}) VALUES ${values.join(', ')}`
  }),
  form('INSERT SELECT', 'INSERT', ({ foreign, foreignRow }) =>
    insertLike(foreign.relation, foreignRow).replace(
      / VALUES \((.*)\)$/s,
      (_, values: string) => ` SELECT ${values}`,
    ),
  ),
  form('INSERT RETURNING', 'INSERT', ({ foreign, foreignRow }) =>
    insertLike(foreign.relation, foreignRow, { suffix: `RETURNING ${foreign.columns}` }),
  ),
  {
    id: 'INSERT without tenant',
    privilege: 'INSERT',
    kinds: stored,
    controlledBy: 'own INSERT',
    build: ({ foreign, foreignRow }) =>
      foreign.tenantColumn === null
        ? null
        : [
            // NOT NULL may speak before the policy: any answer that changes nothing will do.
            {
              sql: insertLike(foreign.relation, foreignRow, {
                set: { [foreign.tenantColumn]: null },
              }),
              role: 'comparison',
            },
          ],
  },
  {
    id: 'INSERT empty tenant',
    privilege: 'INSERT',
    kinds: stored,
    controlledBy: 'own INSERT',
    build: ({ foreign, foreignRow }) =>
      foreign.tenantColumn === null
        ? null
        : [
            {
              sql: insertLike(foreign.relation, foreignRow, {
                set: { [foreign.tenantColumn]: '' },
              }),
              role: 'comparison',
            },
          ],
  },
  form('ON CONFLICT DO NOTHING', 'INSERT', ({ foreign, foreignRow }) =>
    insertLike(foreign.relation, foreignRow, { suffix: 'ON CONFLICT DO NOTHING' }),
  ),
  {
    ...form('ON CONFLICT DO UPDATE', 'UPDATE', ({ foreign, foreignRow, assignment }) =>
      foreign.relation.primaryKey.length === 0
        ? null
        : insertLike(foreign.relation, foreignRow, {
            keepKeys: true,
            suffix:
              `ON CONFLICT (${foreign.relation.primaryKey.map(identifier).join(', ')})` +
              ` DO UPDATE SET ${assignment}`,
          }),
    ),
    kinds: ['table', 'partitioned table'],
  },
  {
    id: 'upsert as own',
    privilege: 'UPDATE',
    kinds: ['table', 'partitioned table'],
    build: ({ foreign, foreignRow, attacker, assignment }) =>
      foreign.tenantColumn === null || foreign.relation.primaryKey.length === 0
        ? null
        : [
            {
              role: 'comparison',
              sql: insertLike(foreign.relation, foreignRow, {
                keepKeys: true,
                set: { [foreign.tenantColumn]: attacker.id },
                suffix:
                  `ON CONFLICT (${foreign.relation.primaryKey.map(identifier).join(', ')}) DO UPDATE SET ` +
                  `${assignment}, ${identifier(foreign.tenantColumn)} = EXCLUDED.${identifier(foreign.tenantColumn)}`,
              }),
            },
          ],
  },
  {
    ...form('MERGE UPDATE', 'UPDATE', (request) =>
      merge(request, `WHEN MATCHED THEN UPDATE SET ${request.assignment}`),
    ),
    since: 150000,
    kinds: stored,
  },
  {
    ...form('MERGE DELETE', 'DELETE', (request) => merge(request, 'WHEN MATCHED THEN DELETE')),
    since: 150000,
    kinds: stored,
  },
  {
    ...form('MERGE INSERT', 'INSERT', (request) =>
      merge(request, 'AND false WHEN NOT MATCHED THEN INSERT ' + columnsAndValues(request)),
    ),
    since: 150000,
    kinds: stored,
  },
  {
    ...form('MERGE move', 'UPDATE', ({ foreign, own, attacker, victim }) =>
      foreign.tenantColumn === null || foreign.address !== own.address
        ? null
        : `MERGE INTO ${own.address} AS t USING (SELECT 1 AS one) AS s
  ON t.${identifier(foreign.tenantColumn)} = ${literal(attacker.id)}
  WHEN MATCHED THEN UPDATE SET ${identifier(foreign.tenantColumn)} = ${literal(victim.id)}`,
    ),
    since: 150000,
    kinds: stored,
  },
  form(
    'UPDATE keyed',
    'UPDATE',
    ({ foreign, assignment, foreignKey }) =>
      `UPDATE ${foreign.address} SET ${assignment} WHERE ${foreignKey}`,
  ),
  form(
    'UPDATE blind',
    'UPDATE',
    ({ foreign, assignment }) => `UPDATE ${foreign.address} SET ${assignment}`,
  ),
  form(
    'UPDATE RETURNING',
    'UPDATE',
    ({ foreign, assignment }) =>
      `UPDATE ${foreign.address} SET ${assignment} RETURNING ${foreign.columns}`,
  ),
  form(
    'UPDATE FROM',
    'UPDATE',
    ({ foreign, assignment }) => `UPDATE ${foreign.address} AS t SET ${assignment}
    FROM (SELECT DISTINCT 1 AS one) AS s WHERE s.one = 1`,
  ),
  form('UPDATE take over', 'UPDATE', moved(toAttacker, everywhere)),
  form(
    'UPDATE take over keyed',
    'UPDATE',
    moved(toAttacker, ({ foreignKey }) => ` WHERE ${foreignKey}`),
  ),
  form('UPDATE give away', 'UPDATE', moved(toVictim, everywhere)),
  form(
    'UPDATE give away keyed',
    'UPDATE',
    moved(toVictim, ({ ownKey }) => ` WHERE ${ownKey}`),
  ),
  form(
    'DELETE keyed',
    'DELETE',
    ({ foreign, foreignKey }) => `DELETE FROM ${foreign.address} WHERE ${foreignKey}`,
  ),
  form('DELETE blind', 'DELETE', ({ foreign }) => `DELETE FROM ${foreign.address}`),
  form(
    'DELETE RETURNING',
    'DELETE',
    ({ foreign }) => `DELETE FROM ${foreign.address} RETURNING ${foreign.columns}`,
  ),
  form(
    'DELETE USING',
    'DELETE',
    ({ foreign }) => `DELETE FROM ${foreign.address} AS t
    USING (SELECT DISTINCT 1 AS one) AS s WHERE s.one = 1`,
  ),
  form(
    'WITH UPDATE',
    'UPDATE',
    ({ foreign, assignment }) =>
      `WITH w AS (UPDATE ${foreign.address} SET ${assignment} RETURNING 1) SELECT count(*) AS n FROM w`,
  ),
  form(
    'WITH DELETE',
    'DELETE',
    ({ foreign }) =>
      `WITH w AS (DELETE FROM ${foreign.address} RETURNING ${foreign.columns}) SELECT * FROM w LIMIT 200`,
  ),
  form(
    'WITH INSERT',
    'INSERT',
    ({ foreign, foreignRow }) =>
      `WITH w AS (${insertLike(foreign.relation, foreignRow, { suffix: 'RETURNING 1' })}) SELECT count(*) AS n FROM w`,
  ),
  {
    id: 'COPY FROM',
    privilege: 'INSERT',
    kinds: stored,
    controlledBy: 'own INSERT',
    build: ({ foreign, foreignRow }) => [
      { ...copyLike(foreign.relation, foreignRow), role: 'attack' },
    ],
  },
  form('own INSERT', 'INSERT', ({ own, ownRow }) => insertLike(own.relation, ownRow)),
  form(
    'own UPDATE',
    'UPDATE',
    ({ own, ownKey, assignment }) => `UPDATE ${own.address} SET ${assignment} WHERE ${ownKey}`,
  ),
  form('own DELETE', 'DELETE', ({ own, ownKey }) => `DELETE FROM ${own.address} WHERE ${ownKey}`),
]
