/** Channels that no setting inside one database closes; a target can claim that it has closed them elsewhere. */

export const channels = [
  'forgery',
  'statistics',
  'activity',
  'locks',
  'notify',
  'files',
  'server',
] as const
export type Channel = (typeof channels)[number]
