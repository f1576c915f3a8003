/** Parsers of setting values: nonsense is refused with the setting's name, never replaced. */

export interface SettingDefinition<T> {
  /** As commander wants it; the variable is WATERTIGHT_ and the long flag in capitals. */
  readonly flag: string
  readonly what: string
  readonly fallback: T
  readonly isSwitch: boolean
  /** Reads a text of a flag or variable, or a value of the file. Throws a sentence. */
  readonly parse: (raw: unknown) => T
}

type Kind<T> = Omit<SettingDefinition<T>, 'flag' | 'what'>

export function integer(fallback: number, min: number, max: number): Kind<number> {
  const { parse, ...kind } = number(fallback, min, max)
  return {
    ...kind,
    parse: (raw) => {
      const value = parse(raw)
      if (Number.isInteger(value)) return value
      throw new Error('it must be a whole number')
    },
  }
}

export function number(fallback: number, min: number, max: number): Kind<number> {
  return {
    fallback,
    isSwitch: false,
    parse: (raw) => {
      const value = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw
      if (typeof value === 'number' && value >= min && value <= max) return value
      throw new Error(`it must be a number from ${min} to ${max}`)
    },
  }
}

const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/** Milliseconds from `90s`, `5m`, `1h`, `1500ms` or a bare number of ms; null when it was not given. */
export function optionalDuration(minMs: number, maxMs: number): Kind<number | null> {
  return {
    fallback: null,
    isSwitch: false,
    parse: (raw) => {
      if (raw === null) return null
      const found = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(String(raw).trim())
      const value =
        found === null ? NaN : Math.round(Number(found[1]) * (unitsMs[found[2] ?? 'ms'] ?? 1))
      if (value >= minMs && value <= maxMs) return value
      throw new Error(
        `it must be a time from ${minMs / 1000}s to ${maxMs / 3_600_000}h, such as 90s or 5m`,
      )
    },
  }
}

export function flag(): Kind<boolean> {
  return {
    fallback: false,
    isSwitch: true,
    parse: (raw) => {
      if (raw === true || raw === 'true' || raw === '1') return true
      if (raw === false || raw === 'false' || raw === '0' || raw === '') return false
      throw new Error('it must be true or false')
    },
  }
}

export function text(fallback: string): Kind<string> {
  return { fallback, isSwitch: false, parse: (raw) => nonEmpty(raw) }
}

export function optionalText(): Kind<string | null> {
  return { fallback: null, isSwitch: false, parse: (raw) => (raw === null ? null : nonEmpty(raw)) }
}

export function choice<T extends string>(values: readonly T[], fallback: T): Kind<T> {
  return {
    fallback,
    isSwitch: false,
    parse: (raw) => {
      const found = values.find((value) => value === raw)
      if (found !== undefined) return found
      throw new Error(`it must be one of ${values.join(', ')}`)
    },
  }
}

/** Comma-separated names; `names` maps what may be written to what is meant, null takes any text. */
export function list<T extends string>(
  names: Readonly<Record<string, T>> | null,
  fallback: readonly T[],
): Kind<readonly T[]> {
  return {
    fallback,
    isSwitch: false,
    parse: (raw) => {
      const parts = Array.isArray(raw)
        ? raw.map(String)
        : nonEmpty(raw)
            .split(',')
            .map((part) => part.trim())
      return [
        ...new Set(
          parts.map((part) => {
            const meant = names === null ? (part as T) : names[part]
            if (meant !== undefined && part !== '') return meant
            throw new Error(
              `${JSON.stringify(part)} is none of ${Object.keys(names ?? {}).join(', ')}`,
            )
          }),
        ),
      ]
    },
  }
}

function nonEmpty(raw: unknown): string {
  if (typeof raw === 'string' && raw.trim() !== '') return raw
  throw new Error('it must be a text that is not empty')
}
