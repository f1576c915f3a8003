/** Recognises the expressions of policies that let a tenant reach its own rows and no others. */

const stored = `NULLIF(current_setting('app.current_tenant_id'::text,true),''::text)`

/**
 * The hardened predicate and the seed's, as PostgreSQL 14 to 18 print them. On a partitioned table the hardened one is
 * a conjunction of which one member is here.
 */
const known = new Set([
  `(tenant_id)::text=(SELECT${stored}AS"nullif")`,
  `(tenant_id)::text=${stored}`,
  '(tenant_id)::text=(SELECTcurrent_tenant_id()AScurrent_tenant_id)',
  'check_tenant_access((tenant_id)::text)',
  '(tenant_id)::text=current_tenant_id()',
])

/** What is AND-ed to the predicate can only narrow it; what is OR-ed to it may open it. */
export function isTenantPredicate(expression: string): boolean {
  const bare = withoutParentheses(expression.trim())
  const members = conjunctsOf(bare)
  if (members.length > 1) return members.some(isTenantPredicate)
  return known.has(bare.replace(/\s+/g, '').replaceAll('public.', ''))
}

/** PostgreSQL prints parentheses around every AND, so an OR on the same level would be one text that is not split. */
function conjunctsOf(text: string): readonly string[] {
  const cuts = [...atTopLevel(text)].filter((at) => text.startsWith(' AND ', at))
  if ([...atTopLevel(text)].some((at) => text.startsWith(' OR ', at))) return [text]
  return [...cuts, text.length].map((end, index) =>
    text.slice(index === 0 ? 0 : (cuts[index - 1] ?? 0) + 5, end),
  )
}

function withoutParentheses(text: string): string {
  if (!text.startsWith('(') || !text.endsWith(')')) return text
  // The first parenthesis closes with the last: nothing between them is at the top level.
  const inside = [...atTopLevel(text)]
  return inside.some((at) => at > 0 && at < text.length - 1)
    ? text
    : withoutParentheses(text.slice(1, -1).trim())
}

/** Positions outside of every parenthesis and every quoted text. */
function* atTopLevel(text: string): Generator<number> {
  let depth = 0
  let quote = ''
  for (let at = 0; at < text.length; at += 1) {
    const each = text.charAt(at)
    if (quote !== '') {
      if (each === quote) quote = ''
    } else if (each === "'" || each === '"') quote = each
    else if (each === '(') depth += 1
    else if (each === ')') depth -= 1
    else if (depth === 0) yield at
    if (depth === 0 && quote === '' && each === ')' && at < text.length - 1) yield at
  }
}
