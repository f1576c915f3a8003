/** The classes of fault that mutants plant, by their short name: what a score counts beside single mutants. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../registry.ts'

/** Name to title; a class of the user's own stands under its name alone. */
export function readFaultClasses(): ReadonlyMap<string, string> {
  const text = readFileSync(join(packageRoot(), 'fixtures', 'fault-classes.json'), 'utf8')
  return new Map(Object.entries(JSON.parse(text) as Record<string, string>))
}
