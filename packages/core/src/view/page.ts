import { createHash } from 'node:crypto'
import { SCRIPT } from './page-script.js'

/** The colours of Okabe and Ito, which colour-blind readers can tell apart; each state also has a height or a pattern of its own. */
const STYLE = `:root{color-scheme:light dark;--text:20.5rem;--bg:#fff;--fg:#1b1b1b;--dim:#5c5c5c;--rule:#d8d8d8;--busy:#0072b2;--closing:#b36b00;--upgraded:#00785a;--lingering:#a8487f;--idle:#767676;--lost:#c40000}
@media(prefers-color-scheme:dark){:root{--bg:#161616;--fg:#ececec;--dim:#a6a6a6;--rule:#3a3a3a;--busy:#56b4e9;--closing:#e69f00;--upgraded:#2fc08f;--lingering:#e08fbd;--idle:#9a9a9a;--lost:#ff6b6b}}
*{box-sizing:border-box}body{margin:0;padding:1rem;background:var(--bg);color:var(--fg);font:14px/1.4 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.2rem 1rem;align-items:baseline}h1{font-size:1.3rem;margin:0}#left{font-size:1.3rem;font-variant-numeric:tabular-nums}h2{font-size:1rem;margin:1.2rem 0 0}
ul,ol{list-style:none;margin:0;padding:0}#key{display:flex;flex-wrap:wrap;gap:.2rem 1rem;margin:.4rem 0}.sum,.r,details p{color:var(--dim);margin:.1rem 0}.lost{color:var(--lost)}
.axis{position:relative;overflow:hidden;height:2.6em;margin-left:calc(var(--text) + 8.5rem);border-bottom:1px solid var(--rule);font-size:12px;color:var(--dim)}.tick,.mark{position:absolute;bottom:0;padding-left:2px;border-left:1px solid var(--rule);font-style:normal;white-space:nowrap}
.mark{bottom:1.3em;border-left:2px solid var(--fg);color:var(--fg);font-weight:600}.mark.left{transform:translateX(-100%);border-left:0;border-right:2px solid var(--fg);padding:0 2px 0 0}
summary{display:grid;grid-template-columns:var(--text) 8.5rem minmax(0,1fr);align-items:center;cursor:pointer;list-style:none;min-height:1.5rem}summary::-webkit-details-marker{display:none}summary:hover,summary:focus-visible{background:color-mix(in srgb,var(--fg) 8%,transparent)}:focus-visible{outline:2px solid var(--busy);outline-offset:-2px}
.t,.r{overflow:hidden;text-overflow:ellipsis;white-space:nowrap;padding-right:.5rem}.r{font-size:12px}.b{position:relative;height:1.25rem;overflow:hidden}
.b i{position:absolute;top:15%;height:70%}.sw{display:inline-block;width:1.1em;height:.8em;margin-right:.4em}.sw.ended{border-left:3px solid var(--fg)}
.busy{background:var(--busy)}.closing{background:repeating-linear-gradient(135deg,var(--closing) 0 4px,transparent 4px 6px)}.upgraded{background:repeating-linear-gradient(0deg,var(--upgraded) 0 2px,transparent 2px 4px)}.lingering{background:repeating-linear-gradient(90deg,var(--lingering) 0 2px,transparent 2px 5px)}
.idle{background:linear-gradient(var(--idle),var(--idle)) center/100% 3px no-repeat}.silent{border:1px dashed var(--idle)}
.b .end{border-left:3px solid var(--fg);top:0;height:100%}.b .line{border-left:1px dashed var(--fg);top:0;height:100%}.b .x{top:0;height:100%;color:var(--lost);font:700 15px/1.25rem system-ui;transform:translateX(-50%);-webkit-text-stroke:3px var(--bg);paint-order:stroke}
details p{padding:0 0 .4rem 1.5em;overflow-wrap:anywhere}body[data-state=draining] h1,body[data-state=leaving] h1{color:var(--closing)}
@media(min-width:90rem){:root{--text:32rem}}
@media(max-width:64rem){.axis{margin-left:0}summary{grid-template-columns:minmax(0,1fr) auto;padding:.2rem 0}.b{grid-column:1/-1}}
@media(forced-colors:active){.b i,.sw{forced-color-adjust:none}}`

const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** The page loads nothing, and runs only its own script. `connects`: it may connect to its own server. */
export function policyOf(connects: boolean): string {
  const own = connects ? "connect-src 'self'; frame-ancestors 'none'; " : ''
  return `default-src 'none'; script-src ${hash(SCRIPT)}; style-src ${hash(STYLE)}; img-src data:; ${own}base-uri 'none'; form-action 'none'`
}

/** The page. `data`: what it shows, as JSON; without it the page listens for events. `title`: the title of the window. */
export function page(title: string, data?: string): string {
  const policy = data === undefined ? '' : `<meta http-equiv="Content-Security-Policy" content="${policyOf(false)}">`
  const state = data === undefined ? '<header><h1 id="state" role="status">…</h1><span id="left"></span></header>' : ''
  // No text in the data can end the element that holds it.
  const json = data === undefined ? '' : `<script type="application/json" id="data">${data.replaceAll('<', '\\u003c')}</script>`
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">${policy}<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<title>${escaped(title)}</title><style>${STYLE}</style></head><body>${state}<ul id="key" aria-label="states"></ul><main id="out"></main>${json}<script>${SCRIPT}</script></body></html>
`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}
