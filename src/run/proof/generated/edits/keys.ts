/** Edits of keys, checks and defaults. */

import { identifier, literal, qualified } from '../../../../sql/identifier.ts'
import type { Anatomy, AnatomyKey } from '../anatomy.ts'
import { edit, type Edit } from '../edit.ts'

const list = (columns: readonly string[]) => columns.map(identifier).join(', ')

export function keyEdits({ keys }: Anatomy): readonly Edit[] {
  return keys.flatMap((key) => {
    const table = qualified({ schema: key.schema, name: key.relation })
    const called = `${key.relation}.${key.name}`
    const dropped = `ALTER TABLE ${table} DROP CONSTRAINT ${identifier(key.name)};`
    if (key.type === 'f') return foreignKeyEdits(key, { table, called, dropped })
    if (key.type === 'c') return [edit('key: check dropped', `${called} is dropped`, dropped)]
    if (key.columns.length < 2) return []
    return key.columns.map((without) => {
      const columns = list(key.columns.filter((column) => column !== without))
      return edit(
        'key: column left out',
        `${called} without ${without}`,
        key.type === 'i'
          ? `DROP INDEX ${qualified({ schema: key.schema, name: key.name })};
CREATE UNIQUE INDEX ${identifier(key.name)} ON ${table} (${columns});`
          : // What refers to the key keeps it, as a key beside the narrower one.
            `ALTER TABLE ${table} ADD CONSTRAINT generated_key UNIQUE (${columns});`,
      )
    })
  })
}

interface Place {
  readonly table: string
  readonly called: string
  readonly dropped: string
}

function foreignKeyEdits(key: AnatomyKey, { table, called, dropped }: Place): readonly Edit[] {
  const made = (columns: readonly string[], referenced: readonly string[]) =>
    `ALTER TABLE ${table} ADD CONSTRAINT ${identifier(key.name)} FOREIGN KEY (${list(columns)})
  REFERENCES ${key.references ?? ''} (${list(referenced)})`
  return [
    edit('key: foreign key dropped', `${called} is dropped`, dropped),
    edit(
      'key: foreign key follows',
      `${called} deletes what refers to it`,
      `${dropped}
${made(key.columns, key.referencedColumns)} ON DELETE CASCADE ON UPDATE CASCADE;`,
    ),
    edit(
      'key: foreign key waits',
      `${called} is asked at commit`,
      `${dropped}
${made(key.columns, key.referencedColumns)} DEFERRABLE INITIALLY DEFERRED;`,
    ),
    ...(key.columns.length < 2
      ? []
      : key.columns.map((without, index) => {
          const kept = <T>(all: readonly T[]) => all.filter((_, at) => at !== index)
          return edit(
            'key: foreign key without a column',
            `${called} without ${without}`,
            `${dropped}
ALTER TABLE ${key.references ?? ''} ADD CONSTRAINT generated_key UNIQUE (${list(kept(key.referencedColumns))});
${made(kept(key.columns), kept(key.referencedColumns))};`,
          )
        })),
  ]
}

/** A column that policies and keys ask about is filled by somebody else than it was. */
export function defaultEdits({ relations, functions }: Anatomy): readonly Edit[] {
  return relations
    .filter(({ kind, isPartition }) => (kind === 'r' || kind === 'p') && !isPartition)
    .flatMap((relation) =>
      relation.columns.flatMap(({ name, type, common, default: given, notNull }) => {
        const alter = (what: string) =>
          `ALTER TABLE ${qualified(relation)} ALTER COLUMN ${identifier(name)} ${what};`
        const made = (title: string, what: string) =>
          edit('default', `${relation.name}.${name} ${title}`, alter(what))
        return [
          ...(given === null ? [] : [made('has no default', 'DROP DEFAULT')]),
          ...(common === null
            ? []
            : [made('is somebody’s value by default', `SET DEFAULT ${literal(common)}`)]),
          ...(notNull ? [made('may be NULL', 'DROP NOT NULL')] : []),
          ...functions
            .filter(
              ({ returns, signature }) =>
                returns === type.replace(/\(.*/, '') && signature.endsWith('()'),
            )
            .map(({ signature }) => made(`is ${signature} by default`, `SET DEFAULT ${signature}`)),
        ]
      }),
    )
}
