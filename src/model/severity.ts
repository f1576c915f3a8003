/** How bad what was shown is; the gate compares against one of these. */

export const severities = ['critical', 'high', 'medium', 'low', 'info'] as const
export type Severity = (typeof severities)[number]
