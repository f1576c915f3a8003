/** The lists of arguments that a function is worth being called with, in the order of their worth. */

import type { FunctionEntry } from '../model/catalog.ts'
import type { TenantId } from '../model/tenant.ts'
import { identifier, literal } from '../sql/identifier.ts'
import type { World } from '../world/world.ts'
import { shapeOf, type Shape } from './values/type-shape.ts'
import { edgesOf, valuesOf } from './values/values.ts'

/** More than a run tries by its fixed inputs; the random ones choose among all. */
const listsMax = 400
/** Rounds in which all arguments are the victim's at once. */
const togetherMax = 40
/** Leading values of an argument that meet every edge of the others. */
const leadersMax = 4

interface Parameter {
  readonly name: string
  readonly shape: Shape
  readonly mode: 'in' | 'out' | 'variadic'
  readonly foreign: readonly string[]
  readonly own: readonly string[]
  readonly edges: readonly string[]
}

interface Sides {
  readonly attacker: TenantId
  readonly victim: TenantId
}

/** Texts between the brackets of a call. */
export function argumentLists(world: World, entry: FunctionEntry, sides: Sides): readonly string[] {
  const parameters = parametersOf(world, entry, sides)
  const vectors = [
    ...together(parameters).slice(0, 8),
    ...omitted(parameters, entry.argumentDefaults),
    ...together(parameters).slice(8),
    ...oneForeign(parameters),
    ...edged(parameters),
    ...hostile(world, parameters, sides),
  ]
  return [...new Set(vectors)].slice(0, listsMax)
}

type Value = string | null

/** Arguments that are null are left out; those behind them are then given by name. */
function listOf(parameters: readonly Parameter[], values: readonly Value[]): string | null {
  let isNamed = false
  const given: string[] = []
  for (const [index, { name, mode }] of parameters.entries()) {
    const value = values[index] ?? null
    if (value === null) {
      isNamed = true
      continue
    }
    if (isNamed && name === '') return null
    const word = mode === 'variadic' ? 'VARIADIC ' : ''
    given.push(`${word}${isNamed ? `${identifier(name)} => ` : ''}${value}`)
  }
  return given.join(', ')
}

function lists(
  parameters: readonly Parameter[],
  vectors: readonly (readonly Value[])[],
): readonly string[] {
  return vectors.flatMap((values) => listOf(parameters, values) ?? [])
}

const at = (values: readonly string[], index: number): string | null =>
  values.length === 0 ? null : (values[index % values.length] ?? null)

const foreignAt = ({ foreign, edges }: Parameter, index: number) =>
  at(foreign, index) ?? at(edges, 0)
const ownAt = ({ own, edges }: Parameter, index: number) => at(own, index) ?? at(edges, 0)

/** All arguments are the victim's: first values first. */
function together(parameters: readonly Parameter[]): readonly string[] {
  const longest = Math.max(1, ...parameters.map(({ foreign }) => foreign.length))
  const rounds = Array.from({ length: Math.min(longest, togetherMax) }, (_, round) =>
    parameters.map((parameter) => foreignAt(parameter, round)),
  )
  return lists(parameters, rounds)
}

/** One argument is the victim's and the rest the caller's, or the rest's first values. */
function oneForeign(parameters: readonly Parameter[]): readonly string[] {
  if (parameters.length < 2) return []
  const longest = Math.max(0, ...parameters.map(({ foreign }) => foreign.length))
  const rounds = Array.from({ length: longest }, (_, round) =>
    parameters.flatMap((parameter, one) => {
      const value = parameter.foreign[round]
      if (value === undefined) return []
      const others = [ownAt, foreignAt].slice(0, round < togetherMax ? 2 : 1)
      return others.map((pick) =>
        parameters.map((each, index) => (index === one ? value : pick(each, 0))),
      )
    }),
  ).flat()
  return lists(parameters, rounds)
}

/**
 * Every edge of one argument beside the likeliest values of the others. What changes a row to and fro (true, then
 * false) does not follow on itself: subjects come in turn.
 */
function edged(parameters: readonly Parameter[]): readonly string[] {
  const longest = Math.max(0, ...parameters.map(({ edges }) => edges.length))
  const rounds = Array.from({ length: longest }, (_, round) =>
    parameters.flatMap((parameter, one) => {
      const value = parameter.edges[round]
      if (value === undefined) return []
      const leaders = parameters.length === 1 ? 1 : leadersMax
      const foreign = Array.from({ length: leaders }, (_, leader) =>
        parameters.map((each, index) => (index === one ? value : foreignAt(each, leader))),
      )
      return [...foreign, parameters.map((each, index) => (index === one ? value : ownAt(each, 0)))]
    }),
  ).flat()
  return lists(parameters, [...rounds, parameters.map(({ edges }) => edges.at(-1) ?? 'NULL')])
}

/** Called with fewer arguments: defaults are what nobody thinks of. One default at a time, and all of them. */
function omitted(parameters: readonly Parameter[], defaults: number): readonly string[] {
  const inputs = parameters.filter(({ mode }) => mode !== 'out')
  if (defaults === 0 || inputs.length !== parameters.length) return []
  const first = parameters.length - defaults
  const shorter = Array.from({ length: defaults }, (_, count) => first + count).flatMap((kept) =>
    [foreignAt, ownAt].map((pick) =>
      parameters.map((each, index) => (index < kept ? pick(each, 0) : null)),
    ),
  )
  const named = parameters
    .slice(first)
    .flatMap((_, offset) =>
      [0, 1, 2].map((leader) =>
        parameters.map((each, index) =>
          index < first || index === first + offset ? foreignAt(each, leader) : null,
        ),
      ),
    )
  return lists(parameters, [...shorter, ...named])
}

/** Texts that a function may take for a pattern, a piece of SQL, or a name. */
function hostile(
  world: World,
  parameters: readonly Parameter[],
  { victim }: Sides,
): readonly string[] {
  const { id, schema } = world.tenant(victim)
  const texts = ['%', `x' OR '1' = '1`, `%' OR true --`, `x') OR true --`, `${schema}.`, `${id}%`]
  const isText = ({ shape }: Parameter) => shape.kind === 'plain' && shape.family === 'text'
  if (!parameters.some(isText)) return []
  return lists(
    parameters,
    texts.map((text) =>
      parameters.map((each) =>
        isText(each) ? `${literal(text)}::${each.shape.name}` : ownAt(each, 0),
      ),
    ),
  )
}

/** Names stand beside all arguments of a function, types beside those that a call gives. */
function parametersOf(
  world: World,
  entry: FunctionEntry,
  { attacker, victim }: Sides,
): readonly Parameter[] {
  const { argumentTypes, argumentNames, argumentModes, kind, source, sqlBody, variadic } = entry
  const wanted = kind === 'procedure' ? ['i', 'b', 'v', 'o'] : ['i', 'b', 'v']
  const named = argumentNames
    .map((name, index) => ({ name, mode: argumentModes[index] ?? 'i' }))
    .filter(({ mode }) => wanted.includes(mode))
  // A range usually has its lower end before its upper one.
  let moments = 0
  return argumentTypes.map((type, index): Parameter => {
    const { name = '', mode = 'i' } = named[index] ?? {}
    const shape = shapeOf(world.catalog, type)
    const isMoment = shape.kind === 'plain' && shape.family === 'moment'
    const edges = edgesOf(shape)
    if (mode === 'o') return { name, shape, mode: 'out', foreign: [], own: [], edges: ['NULL'] }
    const wish = { name, about: `${source} ${sqlBody}` }
    const ends = isMoment ? edges.slice(moments % 2, (moments % 2) + 1) : []
    if (isMoment) moments += 1
    return {
      name,
      shape,
      mode: variadic && index === argumentTypes.length - 1 ? 'variadic' : 'in',
      foreign: [...ends, ...valuesOf(shape, wish, { world, tenant: victim, beside: attacker })],
      own: [...ends, ...valuesOf(shape, wish, { world, tenant: attacker, beside: attacker })],
      edges,
    }
  })
}
