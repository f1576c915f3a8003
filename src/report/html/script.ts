/** The page's only script: it filters and sorts what is there already. Without it nothing is missing. */

/** Plain text on purpose: its hash stands in the page's policy. */
export const script = `
'use strict'
for (const box of document.querySelectorAll('.filter')) box.hidden = false

for (const input of document.querySelectorAll('[data-filters]')) {
  input.addEventListener('input', () => {
    const wanted = input.value.toLowerCase()
    for (const each of document.querySelectorAll(input.dataset.filters)) {
      each.hidden = !each.textContent.toLowerCase().includes(wanted)
    }
  })
}

for (const box of document.querySelectorAll('[data-troubled]')) {
  box.addEventListener('change', () => {
    for (const row of document.querySelectorAll(box.dataset.troubled + ' tbody tr')) {
      row.hidden = box.checked && row.querySelector('.violated, .unknown, .untested') === null
    }
  })
}

const valueOf = (row, index) => {
  const cell = row.cells[index]
  const text = cell.dataset.value ?? cell.textContent
  const number = Number(text.replaceAll(',', ''))
  return text.trim() !== '' && Number.isFinite(number) ? number : text
}
const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1

for (const table of document.querySelectorAll('table[data-sortable]')) {
  [...table.tHead.rows[0].cells].forEach((head, index) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.append(...head.childNodes)
    head.append(button)
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending'
      for (const each of table.tHead.rows[0].cells) each.removeAttribute('aria-sort')
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending')
      const rows = [...table.tBodies[0].rows].sort((a, b) => compare(valueOf(a, index), valueOf(b, index)))
      table.tBodies[0].append(...(down ? rows.reverse() : rows))
    })
  })
}

const openTarget = () => {
  const target = location.hash.length > 1 ? document.getElementById(decodeURIComponent(location.hash.slice(1))) : null
  if (target instanceof HTMLDetailsElement) target.open = true
}
addEventListener('hashchange', openTarget)
openTarget()

addEventListener('beforeprint', () => {
  for (const each of document.querySelectorAll('.finding:not([open])')) {
    each.open = true
    addEventListener('afterprint', () => { each.open = false }, { once: true })
  }
})
`
