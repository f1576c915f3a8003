/** Edits of SQL as PostgreSQL prints it: operators swapped, conjuncts dropped, calls and columns replaced. Pure. */

export interface TextEdit {
  readonly how: 'operator' | 'conjunct' | 'column' | 'call' | 'opened'
  readonly title: string
  readonly text: string
}

const otherOperators = ['<>', '>=', '<=', '~~', '~~*', 'IS DISTINCT FROM']

/** Every `=` with another operator, one place at a time. */
export function operatorsSwapped(text: string): readonly TextEdit[] {
  return placesOf(text, ' = ').flatMap((at, place) =>
    otherOperators.map((operator) => ({
      how: 'operator' as const,
      title: `= number ${place + 1} is ${operator}`,
      text: `${text.slice(0, at)} ${operator} ${text.slice(at + 3)}`,
    })),
  )
}

/** One side of each AND left out, and each AND turned into OR. */
export function conjunctsDropped(text: string): readonly TextEdit[] {
  return placesOf(text, ' AND ').flatMap((at, place): readonly TextEdit[] => {
    const [from, to] = [startOfConjunct(text, at), endOfConjunct(text, at + 5)]
    const made = (title: string, changed: string): TextEdit => ({
      how: 'conjunct',
      title: `${title} AND number ${place + 1}`,
      text: changed,
    })
    return [
      made('nothing before', text.slice(0, from) + text.slice(at + 5)),
      made('nothing after', text.slice(0, at) + text.slice(to)),
      made('OR in place of', `${text.slice(0, at)} OR ${text.slice(at + 5)}`),
    ]
  })
}

/** A mention of one column becomes a mention of another. */
export function columnsExchanged(
  text: string,
  { columns, others }: { readonly columns: readonly string[]; readonly others: readonly string[] },
): readonly TextEdit[] {
  return columns.flatMap((column) =>
    others
      .filter((other) => other !== column)
      .map((other) => ({
        how: 'column' as const,
        title: `${other} in place of ${column}`,
        text: text.replace(new RegExp(`(?<![\\w'.])${escaped(column)}(?![\\w'(])`, 'g'), other),
      })),
  )
}

/** NULLIF and COALESCE lost, and comparisons that look at less than the whole value. */
export function callsReplaced(text: string): readonly TextEdit[] {
  const lost = ['NULLIF(', 'COALESCE('].flatMap((call) =>
    placesOf(text, call).map((at): TextEdit => {
      const end = closing(text, at + call.length - 1)
      const inside = text.slice(at + call.length, end)
      const first = inside.slice(0, topLevelComma(inside))
      return {
        how: 'call',
        title: `${call.slice(0, -1)} is lost`,
        text: `${text.slice(0, at)}${first}${text.slice(end + 1)}`,
      }
    }),
  )
  const sides = comparisonOf(text)
  if (sides === null) return lost
  const [left, right] = sides
  const weaker: readonly (readonly [string, string])[] = [
    ['upper and lower case are the same', `lower(${left}) = lower(${right})`],
    ['four letters are compared', `left(${left}, 4) = left(${right}, 4)`],
    ['lengths are compared', `length(${left}) = length(${right})`],
    ['a prefix is enough', `${left} ~~ (${right} || '%')`],
    ['a part is enough', `position(${right} in ${left}) > 0`],
    ['nobody is everybody', `${left} = COALESCE(${right}, ${left})`],
    ['nobody sees what is empty', `COALESCE(${left}, '') = COALESCE(${right}, '')`],
  ]
  return [
    ...lost,
    ...weaker.map(([title, changed]) => ({ how: 'call' as const, title, text: changed })),
  ]
}

/** A WHERE clause of a query left out, one at a time. */
export function filtersDropped(text: string): readonly TextEdit[] {
  return [...text.matchAll(/\sWHERE\s/gi)].map((match, place) => {
    const end = endOfFilter(text, match.index + match[0].length)
    return {
      how: 'opened' as const,
      title: `WHERE number ${place + 1} is left out`,
      text: `${text.slice(0, match.index)} ${text.slice(end)}`,
    }
  })
}

/** `a = b` as its two sides, null when the whole text is no such comparison. */
function comparisonOf(text: string): readonly [string, string] | null {
  const inside = stripped(text)
  const depths = depthsOf(inside)
  const at = placesOf(inside, ' = ').find((place) => depths[place] === 0)
  if (at === undefined || placesOf(inside, ' AND ').some((place) => depths[place] === 0))
    return null
  return [`(${inside.slice(0, at)})`, `(${inside.slice(at + 3)})`]
}

function stripped(text: string): string {
  const inside = text.trim()
  return inside.startsWith('(') && closing(inside, 0) === inside.length - 1
    ? stripped(inside.slice(1, -1))
    : inside
}

function escaped(word: string): string {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** Where a piece of text stands outside of quotes. */
function placesOf(text: string, piece: string): readonly number[] {
  const places: number[] = []
  let quote: string | null = null
  for (let at = 0; at < text.length; at += 1) {
    const letter = text.charAt(at)
    if (quote !== null) quote = letter === quote ? null : quote
    else if (text.startsWith(piece, at)) places.push(at)
    else if (letter === "'" || letter === '"') quote = letter
  }
  return places
}

/** How many brackets are open before each letter; one number more than the text has letters. */
function depthsOf(text: string): readonly number[] {
  const opened = new Set(placesOf(text, '('))
  const closed = new Set(placesOf(text, ')'))
  const depths = [0]
  for (let at = 0; at < text.length; at += 1)
    depths.push((depths[at] ?? 0) + (opened.has(at) ? 1 : closed.has(at) ? -1 : 0))
  return depths
}

/** The bracket that closes the one at `open`. */
function closing(text: string, open: number): number {
  const depths = depthsOf(text)
  const end = placesOf(text, ')').find((at) => at > open && depths[at + 1] === depths[open])
  return end ?? text.length
}

function topLevelComma(text: string): number {
  const depths = depthsOf(text)
  return placesOf(text, ',').find((at) => depths[at] === 0) ?? text.length
}

const begins = /\b(?:WHERE|ON|AND|OR|WHEN)\s+$/i
const nextPart =
  'AND|OR|WHERE|GROUP|ORDER|HAVING|LIMIT|UNION|INNER|LEFT|RIGHT|FULL|CROSS|JOIN|RETURNING|THEN|END|WINDOW'
const ends = new RegExp(`^\\s*(?:;|\\)|\\b(?:${nextPart})\\b)`, 'i')

function startOfConjunct(text: string, at: number): number {
  const depths = depthsOf(text)
  const depth = depths[at] ?? 0
  for (let from = at; from > 0; from -= 1) {
    if (depths[from] !== depth) continue
    if (begins.test(text.slice(0, from)) || (depths[from - 1] ?? 0) < depth) return from
  }
  return 0
}

function endOfConjunct(text: string, from: number): number {
  const depths = depthsOf(text)
  for (let to = from + 1; to < text.length; to += 1) {
    if (depths[to] === depths[from] && ends.test(text.slice(to))) return to
  }
  return text.length
}

const endsFilter = /^\s*(?:;|\)|\b(?:GROUP|ORDER|HAVING|LIMIT|UNION|RETURNING|WINDOW|END)\b)/i

function endOfFilter(text: string, from: number): number {
  const depths = depthsOf(text)
  for (let to = from; to < text.length; to += 1) {
    if (depths[to] === depths[from] && endsFilter.test(text.slice(to))) return to
  }
  return text.length
}
