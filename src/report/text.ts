/** The one formatter of numbers, and the one way in which hostile text becomes harmless to look at. */

/** Control, format, bidirectional and unusual blank characters: they lie about what they are. */
const deceptive = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

/** Text of one line, deceptive characters as `\u{202e}`; never a terminal sequence, never a new line. */
export function visible(text: string): string {
  return text.replace(deceptive, escaped)
}

/** Like visible, but line feeds and tabs stay: for SQL and plans inside their own box. */
export function visibleBlock(text: string): string {
  return text.replace(deceptive, (character) => character === '\n' || character === '\t' ? character : escaped(character))
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

export function formatCount(value: number): string {
  return Number.isFinite(value) ? value.toLocaleString('en-US', { maximumFractionDigits: 0 }) : 'unknown'
}

/** `2 cells`, `1 cell`. */
export function counted(value: number, noun: string): string {
  return `${formatCount(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** `1.08×`, three significant digits above ten, thousands grouped. */
export function formatRatio(value: number): string {
  if (!Number.isFinite(value)) return 'unknown'
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0
  return `${value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}×`
}

export function formatMs(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return '–'
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : formatCount(value)} ms`
}

export function formatBytes(value: number): string {
  return value >= 1e9 ? `${(value / 1e9).toFixed(1)} GB` : `${formatCount(value / 1e6)} MB`
}

/** `2026-11-23 03:10:00 UTC`: the same on every machine. */
export function formatTime(iso: string): string {
  const time = Date.parse(iso)
  return Number.isNaN(time) ? visible(iso) : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function formatPercent(share: number): string {
  return `${(share * 100).toLocaleString('en-US', { maximumFractionDigits: 1 })} %`
}

/** A value of a row or of a setting as text of one line. */
export function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '∅'
  return visible(typeof value === 'string' ? value : JSON.stringify(value))
}
