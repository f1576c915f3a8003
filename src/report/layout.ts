/** Lines of fixed width for terminals: wrapping, columns, a label with its text. */

const labelWidth = 11

/** Breaks at blanks, and inside words that are longer than a line. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((each) => pieces(each, width))) {
    const joined = line === '' ? word : `${line} ${word}`
    if (widthOf(joined) <= width) line = joined
    else {
      if (line !== '') lines.push(line)
      line = word
    }
  }
  return [...lines, line]
}

/** Columns two blanks apart: the first to the left and shortened to fit, the others to the right. */
export function columns(rows: readonly (readonly string[])[], width: number): string[] {
  const widths = (rows[0] ?? []).map((_, index) =>
    Math.max(...rows.map((row) => widthOf(row[index] ?? ''))),
  )
  const rest = widths.slice(1).reduce((total, each) => total + each + 2, 0)
  const first = Math.max(8, Math.min(widths[0] ?? 0, width - rest))
  return rows.map(([head = '', ...cells]) =>
    [
      padded(fitted(head, first), first, 'end'),
      ...cells.map((cell, index) => padded(cell, widths[index + 1] ?? 0, 'start')),
    ].join('  '),
  )
}

/** `Pool       text`, with following lines indented below the text. */
export function labelled(label: string, text: string, width: number): string {
  const lines = wrapped(text, Math.max(width - labelWidth, 20))
  return lines
    .map((line, index) => `${(index === 0 ? label : '').padEnd(labelWidth)}${line}`)
    .join('\n')
}

function pieces(word: string, width: number): string[] {
  if (widthOf(word) <= width) return [word]
  const found: string[] = []
  let piece = ''
  for (const character of word) {
    if (widthOf(piece + character) > width) {
      found.push(piece)
      piece = ''
    }
    piece += character
  }
  return [...found, piece]
}

function fitted(text: string, width: number): string {
  return widthOf(text) <= width ? text : `${[...text].slice(0, width - 1).join('')}…`
}

function padded(text: string, width: number, side: 'start' | 'end'): string {
  const blanks = ' '.repeat(Math.max(0, width - widthOf(text)))
  return side === 'end' ? text + blanks : blanks + text
}

/** Terminal columns: ideographs, kana, hangul and emoji take two, combining marks none. */
function widthOf(text: string): number {
  let total = 0
  for (const character of text) {
    if (/\p{M}/u.test(character)) continue
    total +=
      /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}]/u.test(
        character,
      )
        ? 2
        : 1
  }
  return total
}
