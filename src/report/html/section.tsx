/** The frame of every part of the page: a heading that can be linked to, and boxes that scroll. */

import type { ComponentChildren } from 'preact'

interface SectionProps {
  readonly id: string
  readonly title: string
  readonly children: ComponentChildren
}

export function Section({ id, title, children }: SectionProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {children}
    </section>
  )
}

/** Wide content scrolls inside its own box, reachable by keyboard; the page itself never does. */
export function Scroll({
  label,
  children,
}: {
  readonly label: string
  readonly children: ComponentChildren
}) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  )
}

export type Tone = 'good' | 'bad' | 'warn' | 'plain'

export function Pill({
  tone,
  children,
}: {
  readonly tone: Tone
  readonly children: ComponentChildren
}) {
  return <span class={`pill ${tone}`}>{children}</span>
}
