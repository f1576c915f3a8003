/** Hostile text on the page: isolated in its direction, with deceptive characters made visible. */

import { shortened, visible } from '../text.ts'

export function Value({ text, max = 400 }: { readonly text: string; readonly max?: number }) {
  return <bdi>{shortened(visible(text), max)}</bdi>
}

/** The same in monospace, for names of objects, roles and settings. */
export function Code({ text, max = 400 }: { readonly text: string; readonly max?: number }) {
  return (
    <code>
      <Value text={text} max={max} />
    </code>
  )
}
