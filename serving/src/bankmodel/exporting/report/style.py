"""How the report looks: on a screen by day and by night, and on A4 paper."""

__all__ = ["STYLE"]

STYLE = """
:root { --ink: #1c2126; --soft: #5b6670; --line: #d5dade; --paper: #ffffff; --wash: #f3f5f7;
  --good: #1b7f4b; --warn: #9a6200; --bad: #b3261e; --mark: #1f5fa8; color-scheme: light dark; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --soft: #9aa5ae; --line: #3a434b; --paper: #14181b; --wash: #1e2429;
    --good: #5cc98e; --warn: #e0b050; --bad: #ff8a80; --mark: #7db4f0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
p { margin: .4rem 0; max-width: 46rem; }
.soft, figcaption, caption { color: var(--soft); }
.verdict { border-left: .4rem solid var(--mark); background: var(--wash); padding: .8rem 1rem; margin: 1.25rem 0; }
.verdict strong { font-size: 1.15rem; display: block; }
.good { border-color: var(--good); } .good strong { color: var(--good); }
.warn { border-color: var(--warn); } .warn strong { color: var(--warn); }
.bad { border-color: var(--bad); } .bad strong { color: var(--bad); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .92em; }
caption { text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; } thead th { color: var(--soft); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code, .digest { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em; overflow-wrap: anywhere; }
.inputs { font-size: .86em; color: var(--soft); } .inputs b { font-weight: 500; color: var(--ink); }
.charts { display: flex; flex-wrap: wrap; gap: 1.5rem; } figure { margin: .5rem 0; flex: 1 1 24rem; max-width: 34rem; min-width: 0; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font: 10px system-ui, Arial, sans-serif; }
svg .axis { stroke: var(--line); stroke-width: 1; } svg .guide { stroke: var(--soft); stroke-dasharray: 3 3; fill: none; }
svg .cell, svg .bar { fill: var(--mark); } svg .beyond { fill: var(--bad); }
svg .off { fill: none; stroke: var(--bad); stroke-width: 1.3; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); padding-top: .6rem; font-size: .9em; }
@page { size: A4; margin: 16mm 14mm; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; }
  h2 { break-after: avoid; } figure { flex-basis: 40%; } figure, tr, .verdict { break-inside: avoid; } .wide { overflow: visible; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
