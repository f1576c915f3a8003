// What a tenant could do to the defences themselves: become another role, switch row security off, add a
// policy, replace the context function. Whatever succeeds is a violation, and rows that follow make it worse.

import {
  anyPair,
  defenceAttacks,
  defineProbe,
  everyAttacker,
  turnedFor,
  foreignContent,
  inherent,
  may,
  ownedTables,
  targetOf,
  vacuousAttempt,
  type Attempt,
  type Cell,
  type Pair,
  type Scene,
  type Statement,
} from '../../src/index.ts'

export default defineProbe<Pair>({
  claim: 'A tenant can neither lower the defences nor become somebody who can',
  source: 'https://www.postgresql.org/docs/current/sql-altertable.html',
  severity: 'high',
  judgedWorldsOnly: true,
  needs: ['rows'],
  remedy:
    'Let {relation} belong to a role that the application is no member of, and REVOKE what it does not need',
  cells: (world) =>
    defenceAttacks(world).map(({ object, path }): Cell => ({ object: null, name: object, path })),
  inputs: (world) => anyPair(world),
  examples: (world, cell) => turnedFor(cell, everyAttacker(world)).slice(0, 2),
  attempt: (world, cell, { attacker, victim }) => {
    const attack = attackOf({ world, cell })
    const [own, foreign] = [world.tenant(attacker), world.tenant(victim)]
    const reads = ownedTables(world)
      .flatMap((object) => {
        const target = targetOf(object, foreign)
        const wanted =
          attack.table === undefined ? may(object, own, 'SELECT') : attack.table === object.name
        return target === null || !wanted || object.kind === 'partition' ? [] : [target]
      })
      .slice(0, 3)
      .map(({ address, columns }): Statement => ({
        sql: `SELECT ${columns} FROM ${address} LIMIT 500`,
        role: 'comparison',
      }))
    const lowering = attack.statements(own, foreign)
    return lowering.length === 0
      ? Promise.resolve(vacuousAttempt)
      : world.attempt([
          ...world.enter(own),
          ...lowering.map((sql): Statement => ({ sql, role: 'attack' })),
          ...reads,
        ])
  },
  judge: (attempt, { attacker, victim }, { world, cell }) => {
    const attack = attackOf({ world, cell })
    const seen = foreignContent(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: cell.path,
      tenantColumn: 'tenant_id',
    })
    const lowered =
      succeeded(attempt) && attack.harmless !== true
        ? {
            sentence: `Tenant ${attacker} may: ${cell.path} (${cell.name})`,
            rows: [],
            victim: null,
            command: cell.path,
          }
        : null
    const witness =
      seen === null
        ? lowered
        : {
            ...seen,
            severity: 'critical' as const,
            victim: seen.victim ?? victim,
            sentence: `After ${cell.path} of ${cell.name}: ${seen.sentence}`,
          }
    return attack.channel === undefined ? witness : inherent(attack.channel, witness)
  },
  // Nobody has these rights: that they are refused is what holds.
  control: () => null,
})

function attackOf({ world, cell }: Scene) {
  const attack = defenceAttacks(world).find(
    ({ object, path }) => object === cell.name && path === cell.path,
  )
  if (attack === undefined) throw new Error(`no attack is called ${cell.path} of ${cell.name}`)
  return attack
}

function succeeded(attempt: Attempt): boolean {
  const attacks = attempt.steps.filter(({ role }) => role === 'attack')
  return attacks.length > 0 && attacks.every(({ observation }) => observation.kind === 'rows')
}
