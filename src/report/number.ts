/** The one formatter of numbers: every rendering spells a value alike. */

import { visible } from './text.ts'

export function formatCount(value: number): string {
  return Number.isFinite(value)
    ? value.toLocaleString('en-US', { maximumFractionDigits: 0 })
    : 'unknown'
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
  return Number.isNaN(time)
    ? visible(iso)
    : `${new Date(time).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

export function formatPercent(share: number): string {
  return `${(share * 100).toLocaleString('en-US', { maximumFractionDigits: 1 })} %`
}
