/** The one place where names and values become SQL text; both are hostile. */

/** Quotes an identifier. https://www.postgresql.org/docs/current/sql-syntax-lexical.html */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes a value as a string literal, with E'' only when it holds a backslash. */
export function literal(value: string | null): string {
  if (value === null) return 'NULL'
  const quoted = `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`
  return value.includes('\\') ? `E${quoted}` : quoted
}

/** `"schema"."name"`. */
export function qualified(relation: { readonly schema: string; readonly name: string }): string {
  return `${identifier(relation.schema)}.${identifier(relation.name)}`
}
