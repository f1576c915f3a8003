// What sessions of one database share beside tables: sequences, large objects, locks, notifications, the list
// of running statements. Another tenant's session is really there, and leaves its mark in each.

import {
  anyPair,
  channelAttacks,
  defineProbe,
  everyAttacker,
  foreignContent,
  inherent,
  rowsOf,
  type Pair,
  type Scene,
  type Statement,
} from '../../src/index.ts'

export default defineProbe<Pair>({
  claim:
    'Nothing that sessions share carries a value of one tenant to another, or lets one disturb the other',
  source: 'https://www.postgresql.org/docs/current/monitoring-stats.html',
  severity: 'medium',
  needs: ['rows'],
  remedy:
    "Keep tenants' values out of {relation}: parameters instead of literals, USAGE instead of UPDATE on " +
    'sequences, bytea in guarded tables instead of large objects, ids instead of payloads',
  cells: () => channelAttacks.map(({ path }) => ({ object: null, name: '(session)', path })),
  inputs: (world) => anyPair(world),
  examples: (world) => everyAttacker(world).slice(0, 2),
  attempt: async (world, cell, { attacker, victim }) => {
    const channel = channelOf({ world, cell })
    const [own, foreign] = [world.tenant(attacker), world.tenant(victim)]
    const context = (sql: string): Statement => ({ sql, role: 'context' })
    const neighbour = channel.neighbour === undefined ? null : await world.connect()
    try {
      const planted =
        neighbour === null
          ? []
          : await neighbour.attemptOpen([
              ...world.enter(foreign),
              ...(channel.neighbour?.(foreign) ?? []).map(context),
            ])
      const attempt = await world.attempt([
        ...world.enter(own),
        ...(channel.before ?? []).map(context),
        { sql: channel.attack, role: 'attack' },
      ])
      return { ...attempt, steps: [...planted, ...attempt.steps] }
    } finally {
      await neighbour?.[Symbol.asyncDispose]()
    }
  },
  judge: (attempt, { attacker, victim }, scene) => {
    const { channel, says, path } = channelOf(scene)
    const command = path
    const suspicion = {
      world: scene.world,
      attacker,
      object: path,
      verb: 'reads',
      command,
      tenantColumn: null,
    }
    const disturbed = says !== undefined && rowsOf(attempt.steps.at(-1) ?? null).length > 0
    const witness =
      foreignContent(attempt, suspicion) ??
      (!disturbed
        ? null
        : {
            sentence: `Tenant ${attacker} ${says} (beside ${victim})`,
            rows: rowsOf(attempt.steps.at(-1) ?? null).slice(0, 3),
            victim,
            command,
          })
    return inherent(channel, witness)
  },
  control: (world, cell, tenant) =>
    tenant.ordinal > 1
      ? null
      : world.attempt([
          ...world.enter(tenant),
          ...(channelOf({ world, cell }).before ?? []).map((sql): Statement => ({
            sql,
            role: 'context',
          })),
          { sql: 'SELECT 1 AS reached', role: 'control' },
        ]),
})

function channelOf({ cell }: Pick<Scene, 'world' | 'cell'>) {
  const channel = channelAttacks.find(({ path }) => path === cell.path)
  if (channel === undefined) throw new Error(`no channel is called ${cell.path}`)
  return channel
}
