/** The one way in which hostile text becomes harmless to look at. */

/** Control, format, bidirectional and unusual blank characters: they lie about what they are. */
const deceptive = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

/** Text of one line, deceptive characters as `\u{202e}`; never a terminal sequence, never a new line. */
export function visible(text: string): string {
  return text.replace(deceptive, escaped)
}

/** Like visible, but line feeds and tabs stay: for SQL and plans inside their own box. */
export function visibleBlock(text: string): string {
  return text.replace(deceptive, (character) =>
    character === '\n' || character === '\t' ? character : escaped(character),
  )
}

function escaped(character: string): string {
  const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  return short[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** At most `max` characters, the rest replaced by an ellipsis. */
export function shortened(text: string, max: number): string {
  const characters = [...text]
  return characters.length <= max ? text : `${characters.slice(0, max - 1).join('')}…`
}

/** A value of a row or of a setting as text of one line. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '∅'
  return visible(typeof value === 'string' ? value : JSON.stringify(value))
}
