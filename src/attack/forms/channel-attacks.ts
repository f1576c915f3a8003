/** What sessions of one database share: how a neighbour uses it, and how an attacker listens or disturbs. */

import type { Tenant } from '../../model/tenant.ts'
import { literal } from '../../sql/identifier.ts'
import type { Channel } from '../../model/channel.ts'

export interface ChannelAttack {
  readonly path: string
  /** Statements of the neighbour, whose transaction stays open while the attacker asks. */
  readonly neighbour?: (victim: Tenant) => readonly string[]
  readonly before?: readonly string[]
  readonly attack: string
  /** What any row of the attack means; without it only foreign values count. */
  readonly says?: string
  readonly channel?: Channel
}

const marked = ({ watermark }: Tenant) => literal(`canary-${watermark}-session`)
const lockKey = 7_203_117

/** Sequences are set to what they already are: only whether it is allowed is asked. */
const setSequences = `SELECT s.schemaname || '.' || s.sequencename AS sequence,
    setval(format('%I.%I', s.schemaname, s.sequencename)::regclass,
      coalesce(s.last_value, s.start_value), s.last_value IS NOT NULL)
  FROM pg_catalog.pg_sequences s
  WHERE has_schema_privilege(s.schemaname, 'USAGE')
    AND has_sequence_privilege(format('%I.%I', s.schemaname, s.sequencename), 'UPDATE')`

export const channelAttacks: readonly ChannelAttack[] = [
  {
    path: 'set sequences',
    attack: setSequences,
    says: 'sets a sequence from which other tenants draw',
  },
  {
    path: 'large objects',
    attack: `SELECT oid::text, convert_from(lo_get(oid), 'UTF8') AS content
      FROM pg_catalog.pg_largeobject_metadata LIMIT 100`,
  },
  {
    path: 'prepared statements',
    attack: 'SELECT name, statement FROM pg_catalog.pg_prepared_statements',
  },
  { path: 'held cursors', attack: 'SELECT name, statement FROM pg_catalog.pg_cursors' },
  {
    path: 'prepared transactions',
    attack: 'SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE owner = session_user',
  },
  {
    path: 'running statements',
    channel: 'activity',
    neighbour: (victim) => [`SELECT ${marked(victim)}`],
    attack: 'SELECT query FROM pg_catalog.pg_stat_activity WHERE datname = current_database()',
  },
  {
    path: 'application names',
    channel: 'activity',
    neighbour: (victim) => [`SET LOCAL application_name = ${marked(victim)}`],
    attack:
      'SELECT application_name FROM pg_catalog.pg_stat_activity WHERE datname = current_database()',
  },
  {
    path: 'advisory locks',
    channel: 'locks',
    neighbour: () => [`SELECT pg_advisory_xact_lock(${lockKey})`],
    attack: `SELECT 1 AS taken WHERE NOT pg_try_advisory_xact_lock(${lockKey})`,
    says: 'learns that somebody holds an advisory lock, and could hold it',
  },
  {
    // Only a neighbour that has done what it had to do: the fence keeps the cancel from everybody else.
    path: 'cancel of neighbours',
    channel: 'locks',
    neighbour: () => ["SET LOCAL application_name = 'watertight idle'"],
    attack: `SELECT pid FROM (SELECT pid FROM pg_catalog.pg_stat_activity WHERE datname = current_database()
        AND application_name = 'watertight idle' AND state = 'idle in transaction' LIMIT 1 OFFSET 0) idle
      WHERE pg_cancel_backend(pid)`,
    says: 'may cancel the statements of another session',
  },
  {
    path: 'listening channels',
    channel: 'notify',
    before: ['LISTEN watertight_channel'],
    attack: 'SELECT pg_listening_channels() AS channel LIMIT 1',
    says: 'may listen to any channel: NOTIFY has no privileges',
  },
  {
    path: 'whole settings',
    attack: "SELECT name, setting FROM pg_catalog.pg_settings WHERE setting <> ''",
  },
  {
    path: 'role and database settings',
    attack: 'SELECT setconfig::text AS config FROM pg_catalog.pg_db_role_setting',
  },
]
