/**
 * COPY data that is harmless even where psql takes it for commands: every byte that could matter to
 * psql or to SQL is spelled \xHH, which COPY's text format reads back as the same byte.
 * https://www.postgresql.org/docs/current/sql-copy.html
 */

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Lines of COPY ... FROM STDIN in text format, without the closing mark. */
export function copyLines(data: string): string[] {
  const lines = data.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.filter((line) => line.replace(/\r$/, '') !== '\\.').map(harmless)
}

function harmless(line: string): string {
  return line.replace(
    /\\(x[0-9a-f]{1,2}|[0-7]{1,3}|[\s\S])|[\s\S]/giu,
    (all, escape: string | undefined) => {
      if (escape === undefined) return all === '\t' ? '\t' : spelled(all)
      if (escape === 'N') return '\\N'
      if (/^x[0-9a-f]/i.test(escape)) return byte(Number.parseInt(escape.slice(1), 16))
      if (/^[0-7]/.test(escape)) return byte(Number.parseInt(escape, 8) % 256)
      return spelled(escapes[escape] ?? escape)
    },
  )
}

function spelled(text: string): string {
  if (/^[A-Za-z0-9 _.,@-]$/.test(text)) return text
  return [...new TextEncoder().encode(text)].map(byte).join('')
}

function byte(value: number): string {
  return `\\x${value.toString(16).padStart(2, '0')}`
}
