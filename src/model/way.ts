/** The way by which a probe asks: what it needs beside a session, and who may be asked beside it. */

export const ways = ['session', 'pool', 'pool matrix', 'service', 'operations', 'server'] as const
export type Way = (typeof ways)[number]
