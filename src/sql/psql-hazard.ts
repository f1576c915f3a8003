/** Reads SQL as psql's lexer does, so that a transcript never hands psql a command of an attacker. */

/**
 * Why psql would not read the text as whole statements and nothing else; null when it would.
 * A backslash outside quotes starts a psql command, a colon before a name a psql variable, and an
 * open quote swallows what follows. https://www.postgresql.org/docs/current/app-psql.html
 */
export function psqlHazard(sql: string): string | null {
  let rest = sql
  while (rest !== '') {
    const token = tokens.map((each) => each.exec(rest)).find((match) => match !== null)
    if (token !== undefined) rest = rest.slice(token[0].length)
    else if (rest.startsWith('/*')) {
      const length = commentLength(rest)
      if (length === null) return 'it leaves a comment open'
      rest = rest.slice(length)
    } else return hazardAt(rest)
  }
  return null
}

export function quotedIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quotedLiteral(value: string): string {
  const quoted = value.replaceAll("'", "''")
  return value.includes('\\') ? `E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`
}

/**
 * Tokens that are harmless as a whole; anything else is looked at by hazardAt. Numbers and names are
 * taken whole, so that the e of 1e'...' or of date'...' is never read as the start of an E string.
 */
const tokens: readonly RegExp[] = [
  /^[eE]'(?:[^'\\]|''|\\[\s\S])*'(?!')/,
  /^(?:[uU]&)?'(?:[^'\\]|'')*'(?!')/,
  /^(?:[uU]&)?"(?:[^"]|"")*"(?!")/,
  /^\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\1\$/,
  /^\$\d[\w.\u0080-\uffff]*/,
  /^--[^\r\n]*(?:\r\n|\r|\n)/,
  /^[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/,
  /^\d[\w.\u0080-\uffff]*/,
  /^(?:::|:=|:(?=[\s\d)\]-]))/,
  /^(?!\/\*|--)[^'"$:\\\0\w\u0080-\uffff]/,
]

function commentLength(text: string): number | null {
  let depth = 0
  for (const match of text.matchAll(/\/\*|\*\//g)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return match.index + 2
  }
  return null
}

function hazardAt(rest: string): string {
  if (rest.startsWith('--')) return 'it ends in a comment'
  if (rest.startsWith('\\')) return 'it has a backslash outside of quotes'
  if (rest.startsWith(':')) return 'it has a colon that psql takes for a variable'
  if (/^[eE]?'/.test(rest)) return 'it leaves a string open, or has a backslash in a plain one'
  if (rest.startsWith('"')) return 'it leaves an identifier open'
  return `psql may read ${JSON.stringify(rest.slice(0, 8))} in its own way`
}
