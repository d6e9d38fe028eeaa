/** The style of the page: light and dark, narrow and wide. */
export const style = `
:root { color-scheme: light dark; --line: #d0d7de; --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; --told: #0969da; --faint: #59636e }
@media (prefers-color-scheme: dark) { :root { --line: #3d444d; --good: #3fb950; --bad: #f85149; --warn: #d29922; --told: #58a6ff; --faint: #9198a1 } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem }
h1 { font-size: 1.5rem; overflow-wrap: anywhere }
h2 { margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { border-top: 1px solid var(--line); padding: .4rem .6rem .4rem 0; text-align: left; vertical-align: top }
td:first-child { white-space: nowrap; font-weight: 600 }
.pass { color: var(--good) } .fail { color: var(--bad) } .warn { color: var(--warn) } .yes, .no { color: var(--told) } .not-applicable { color: var(--faint) }
code, pre { font: 12px/1.45 ui-monospace, monospace }
pre { overflow-x: auto; margin: .3rem 0; max-width: 80vw }
summary { cursor: pointer }
.scores strong { font-size: 1.2rem; margin-right: .6rem }
@media (max-width: 40rem) { table, tbody, tr, td { display: block } thead { display: none } td { border: 0; padding: .1rem 0 } tr { border-top: 1px solid var(--line); padding: .5rem 0 } }
`
