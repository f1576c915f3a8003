/** The page's only style sheet: light and dark, phone and paper. */

/** Plain text on purpose: its hash stands in the page's policy. */
export const style = `
:root {
  color-scheme: light dark;
  --text: #1b1f24; --dim: #57606a; --line: #d0d7de; --paper: #fff; --box: #f6f8fa;
  --good: #116329; --good-back: #dafbe1; --bad: #a40e26; --bad-back: #ffebe9; --warn: #6b4b00;
  --warn-back: #fff4c2;
  --link: #0550ae;
  --s0: #6e7781; --s1: #0969da; --s2: #bc4c00; --s3: #1a7f37; --s4: #8250df;
  --t0: #0969da; --t1: #bc4c00; --t2: #1a7f37; --t3: #8250df; --t4: #bf3989; --t5: #6e7781; --t6: #9a6700;
  --t7: #0f766e; --t8: #7c2d12; --t9: #4338ca;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e6edf3; --dim: #9aa5b1; --line: #373e47; --paper: #0d1117; --box: #161b22;
    --good: #56d364; --good-back: #0f2e1a; --bad: #ff8f88; --bad-back: #3c1214; --warn: #e8c25a;
    --warn-back: #332a07;
    --link: #79b8ff;
    --s0: #9aa5b1; --s1: #58a6ff; --s2: #f0883e; --s3: #3fb950; --s4: #bc8cff;
    --t0: #58a6ff; --t1: #f0883e; --t2: #3fb950; --t3: #bc8cff; --t4: #f778ba; --t5: #9aa5b1; --t6: #d29922;
    --t7: #2dd4bf; --t8: #fb923c; --t9: #a5b4fc;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--text); overflow-wrap: anywhere;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif;
}
code, pre, .matrix th[scope=row] {
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12.5px;
}
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 8px; top: 8px; background: var(--paper); padding: 4px 8px; }
header {
  padding: 14px 24px; border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: 0 14px;
  align-items: baseline;
}
header p { margin: 0; color: var(--dim); }
main { max-width: 1180px; margin: 0 auto; padding: 20px 24px 60px; }
h1 { font-size: 19px; margin: 0; }
h2 { font-size: 16px; margin: 36px 0 10px; }
h3 { font-size: 14px; margin: 22px 0 8px; }
p { margin: 6px 0; }
.dim, .note, .cut, .none, .where, caption { color: var(--dim); }
.note, .cut, caption { font-size: 12.5px; }
.hidden {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}

.verdict {
  display: flex; gap: 22px; border: 1px solid; border-radius: 8px; padding: 14px 18px;
  align-items: flex-start;
}
.verdict > div { min-width: 0; flex: 1; }
.verdict.good { border-color: var(--good); background: var(--good-back); }
.verdict.bad { border-color: var(--bad); background: var(--bad-back); }
.verdict.warn { border-color: var(--warn); background: var(--warn-back); }
.word {
  font-size: 20px; font-weight: 700; text-transform: uppercase; margin: 0; white-space: nowrap;
  line-height: 1.3;
}
.good .word { color: var(--good); } .bad .word { color: var(--bad); } .warn .word { color: var(--warn); }
.exit { display: block; font-size: 12.5px; font-weight: 400; text-transform: none; color: var(--text); }
.gates { list-style: none; margin: 8px 0 0; padding: 0; }
.gates li { margin: 2px 0; }
.gates .mark { display: inline-block; width: 1.3em; font-weight: 700; }
.gates .open .mark { color: var(--good); }
.gates .shut .mark { color: var(--bad); }
.gates .undecided .mark { color: var(--warn); }
.gates .state { margin-left: 8px; font-size: 12px; }
.gates .reason { display: block; margin-left: 1.4em; }

.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 16px 0 0;
}
.tiles div {
  border: 1px solid var(--line); border-radius: 8px; background: var(--box); padding: 12px 14px;
  display: flex; flex-direction: column-reverse; justify-content: flex-end;
}
.tiles dd { margin: 0; font-size: 21px; font-weight: 700; font-variant-numeric: tabular-nums; }
.tiles dt { color: var(--dim); font-size: 12.5px; }

.pill {
  display: inline-block; border-radius: 999px; padding: 0 9px; font-size: 12px; font-weight: 600;
  white-space: nowrap;
}
.finding .pill { text-transform: uppercase; font-size: 11px; line-height: 1.7; }
.pill.good { color: var(--good); background: var(--good-back); }
.pill.bad { color: var(--bad); background: var(--bad-back); }
.pill.warn { color: var(--warn); background: var(--warn-back); }
.pill.plain { color: var(--text); background: var(--box); border: 1px solid var(--line); }

.finding { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; margin: 8px 0; }
.finding[open] { padding-bottom: 14px; }
.finding > summary { cursor: pointer; }
.finding .where { display: block; margin-left: 18px; font-size: 12.5px; }
.evidence .scroll {
  background: var(--box); border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px;
  margin: 10px 0 4px; max-height: 600px;
}
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.evidence pre { margin: 6px 0 2px; }
.evidence .role, .evidence .seen { color: var(--dim); }
.evidence .seen { font-size: 12.5px; margin: 2px 0 8px; }
.evidence pre.attack .role { color: var(--bad); font-weight: 700; }
table.rows {
  width: auto; margin: 4px 0 10px;
  font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px;
}
table.rows td, table.rows th { padding: 3px 10px; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 16px; margin: 10px 0 0; }
.facts dt { color: var(--dim); } .facts dd { margin: 0; min-width: 0; }

.scroll { overflow: auto; max-width: 100%; margin: 8px 0 14px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
caption { text-align: left; padding: 4px 0 6px; }
caption strong { color: var(--text); }
th, td {
  text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: normal;
}
thead th { color: var(--dim); font-weight: 600; font-size: 12.5px; white-space: nowrap; }
thead button { all: unset; cursor: pointer; text-decoration: underline dotted; }
thead button:focus-visible { outline: 2px solid var(--link); }
[aria-sort=ascending] button::after { content: " ↑"; } [aria-sort=descending] button::after { content: " ↓"; }
tbody th { font-weight: 600; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.prose { min-width: 220px; overflow-wrap: anywhere; }
td bdi, tbody th bdi {
  display: inline-block; width: max-content; max-width: 40ch; overflow-wrap: break-word;
  white-space: normal; vertical-align: top;
}
td.prose bdi, .matrix td bdi { display: inline; width: auto; max-width: none; overflow-wrap: anywhere; }
tbody th, td.name { white-space: nowrap; }

.matrix { font-size: 12.5px; }
.matrix th[scope=row] { position: sticky; left: 0; background: var(--paper); min-width: 110px; }
.matrix td { white-space: nowrap; font-variant-numeric: tabular-nums; }
.matrix td.unknown, .matrix td.inapplicable { white-space: normal; min-width: 130px; }
.matrix td.holds::first-letter { color: var(--good); }
b.holds { color: var(--good); } b.violated { color: var(--bad); } b.unknown { color: var(--warn); }
.matrix td.violated { background: var(--bad-back); box-shadow: inset 0 0 0 1px var(--bad); }
.matrix td.violated, .matrix td.violated a { color: var(--bad); font-weight: 600; }
.matrix td.unknown { background: var(--warn-back); color: var(--warn); }
.matrix td.inapplicable { color: var(--dim); }
.matrix td.leaks { background: var(--warn-back); color: var(--warn); font-weight: 600; } b.leaks { color: var(--warn); }
.pools td { white-space: nowrap; min-width: 0; }
.untested {
  color: var(--dim); font-style: italic;
  background: repeating-linear-gradient(135deg, var(--box) 0 6px, transparent 6px 12px);
}
.key { padding: 0 6px; }

.plain { list-style: none; padding: 0; } .plain li { margin: 4px 0; }
ul.bad { color: var(--bad); }
.swatch {
  display: inline-block; width: 14px; height: 4px; border-radius: 2px; vertical-align: middle;
  background: currentColor;
}
.legend {
  list-style: none; display: flex; flex-wrap: wrap; gap: 2px 18px; padding: 0; margin: 6px 0;
  font-size: 12.5px;
}
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr)); gap: 12px; }
figure { margin: 0; } .charts figure { border: 1px solid var(--line); border-radius: 8px; padding: 10px; }
figcaption { font-weight: 600; font-size: 12.5px; }
.chart svg { display: block; width: 100%; height: auto; overflow: visible; }
.lanes { display: block; width: 100%; min-width: 640px; height: auto; font-size: 12px; }
.lanes text { fill: var(--dim); } .lanes line { stroke: var(--line); }
.lanes .foreign { stroke: var(--bad); stroke-width: 3; }
.s0 { color: var(--s0); }
.s1 { color: var(--s1); }
.s2 { color: var(--s2); }
.s3 { color: var(--s3); }
.s4 { color: var(--s4); }
${Array.from(
  { length: 10 },
  (_, index) => `.t${index} { color: var(--t${index}); fill: var(--t${index}); }`,
).join('\n')}
.columns {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(320px, 100%), 1fr)); gap: 0 24px;
}
.filter label { font-size: 12.5px; } input[type=search] { font: inherit; padding: 3px 8px; max-width: 100%; }

@media (max-width: 640px) {
  main { padding: 14px 14px 40px; } header { padding: 12px 14px; }
  .verdict { flex-direction: column; gap: 8px; } .verdict > div { width: 100%; }
  .tiles { grid-template-columns: 1fr 1fr; } .tiles dd { font-size: 17px; }
  .facts { grid-template-columns: minmax(0, 1fr); gap: 0; } .facts dd { margin-bottom: 8px; }
  .matrix th[scope=row] bdi { max-width: 16ch; }
}
@media print {
  :root { --paper: #fff; --text: #000; }
  main { max-width: none; padding: 0; } .filter, .skip { display: none; }
  .scroll, .evidence .scroll { overflow: visible; max-height: none; }
  .matrix { font-size: 9px; } .matrix th, .matrix td { padding: 2px 3px; white-space: normal; }
  .finding, tr, figure { break-inside: avoid; }
  details::details-content { content-visibility: visible; block-size: auto; }
}
`
