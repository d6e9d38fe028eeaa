/**
 * The script of the page: it draws records, and if the page has none, listens for frames. It must contain no backtick, and it makes no markup of
 * text.
 */
export const SCRIPT = String.raw`(() => {
const $ = (id) => document.getElementById(id)
const make = (name, kind, text) => { const e = document.createElement(name); if (kind) e.className = kind; if (text != null) e.textContent = text; return e }
const sec = (ms) => Math.round(ms / 100) / 10 + ' s'
const STATES = ['busy', 'closing', 'upgraded', 'lingering', 'silent', 'idle']
const STEPS = [100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 6e4, 12e4, 3e5, 6e5]
const views = []
const scale = (records) => Math.max(1, ...records.map(({ ms }) => ms)) * 1.02

function section(at) {
  if (views[at]) return views[at]
  const box = make('section'), view = { box, rows: new Map(), head: make('h2'), sum: make('p', 'sum'), axis: make('div', 'axis'), list: make('ol'), more: make('p', 'sum') }
  view.axis.setAttribute('aria-hidden', 'true')
  view.list.addEventListener('keydown', move)
  box.append(view.head, view.sum, view.axis, view.list, view.more)
  $('out').append(box)
  return views[at] = view
}

function move(event) {
  const all = [...this.querySelectorAll('summary')], at = all.indexOf(document.activeElement)
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key]
  if (at < 0 || !all[to]) return
  event.preventDefault()
  all[at].tabIndex = -1
  all[to].tabIndex = 0
  all[to].focus()
}

function put(kind, from, to, all) {
  const e = make('i', kind)
  e.style.left = 100 * from / all + '%'
  if (to != null) e.style.width = Math.max(.15, 100 * (to - from) / all) + '%'
  return e
}

function draw(at, record, all, isLive) {
  const { box, rows, head, sum, axis, list, more } = section(at)
  head.textContent = record.title
  sum.textContent = record.summary
  const zero = record.marks.length ? record.marks[0].at : isLive ? record.ms : 0
  const step = STEPS.find((one) => all / one <= 8) || all
  const ticks = []
  for (let n = Math.ceil(-zero / step); n * step + zero <= all * .97; n++) {
    const tick = put('tick', n * step + zero, null, all)
    tick.textContent = n ? sec(n * step) : isLive && !record.marks.length ? 'now' : '0'
    ticks.push(tick)
  }
  const seen = new Set()
  let label, labelled = -all
  for (const mark of record.marks) {
    if (mark.at - labelled < all * .12) { label.textContent += ', ' + mark.text; continue }
    label = put('mark', labelled = mark.at, null, all)
    label.textContent = mark.text
    if (mark.at > all * .7) label.classList.add('left')
    ticks.push(label)
  }
  axis.replaceChildren(...ticks)
  const tab = list.querySelector('[tabindex="0"]')
  record.lanes.forEach((lane, n) => {
    seen.add(lane.id)
    let row = rows.get(lane.id)
    if (!row) {
      row = { li: make('li'), d: make('details'), s: make('summary'), t: make('span', 't'), r: make('span', 'r'), b: make('span', 'b'), p: make('p') }
      row.b.setAttribute('role', 'img')
      row.s.append(row.t, row.r, row.b)
      row.s.tabIndex = tab || n ? -1 : 0
      row.d.append(row.s, row.p)
      row.li.append(row.d)
      rows.set(lane.id, row)
    }
    const last = lane.spans[lane.spans.length - 1], state = lane.end ? 'ended' : last ? last[2] : ''
    row.li.dataset.state = state
    row.li.className = lane.lost.length ? 'lost' : ''
    const text = (lane.lost.length ? '\u2715 ' : '') + (lane.end ? lane.text + ' \u2013 ' + lane.end.text : lane.text)
    row.t.replaceChildren(make('b', 'sw ' + state), text)
    row.t.title = text
    row.r.textContent = lane.remote
    const bars = lane.spans.map(([from, to, kind]) => put(kind, from, to, all))
    if (lane.end) bars.push(put('end', lane.end.at, null, all))
    for (const mark of record.marks) bars.push(put('line', mark.at, null, all))
    for (const lost of lane.lost) { const e = put('x', lost.at, null, all); e.textContent = '\u2715'; e.title = lost.text; bars.push(e) }
    row.b.replaceChildren(...bars)
    const words = lane.spans.map(([from, to, kind]) => kind + ' ' + sec(to - from)).concat(lane.lost.map(({ text }) => 'lost: ' + text), lane.end ? lane.end.text : [])
    row.b.setAttribute('aria-label', words.slice(-8).join(', '))
    row.p.textContent = words.join(', ')
    if (list.children[n] !== row.li) list.insertBefore(row.li, list.children[n] || null)
  })
  for (const [id, { li }] of rows) if (!seen.has(id)) { rows.delete(id); li.remove() }
  if (list.firstChild && !list.querySelector('[tabindex="0"]')) list.querySelector('summary').tabIndex = 0
  more.textContent = record.more ? 'and ' + record.more + ' more connections' : ''
  box.dataset.lanes = record.lanes.length
}

function count(open) {
  $('key').replaceChildren(...STATES.map((state) => { const e = make('li'); e.dataset.state = state; e.append(make('b', 'sw ' + state), (open ? open[state] + ' ' : '') + state); return e }))
  const ended = make('li')
  ended.append(make('b', 'sw ended'), 'ended')
  $('key').append(ended)
  if (!open) { const e = make('li', 'lost'); e.append('\u2715 lost request'); $('key').append(e) }
}

const data = $('data')
if (data) {
  const records = JSON.parse(data.textContent), all = scale(records)
  count()
  records.forEach((record, at) => draw(at, record, all))
} else {
  let left, said
  const tell = (state) => { if (said !== state) $('state').textContent = said = state; document.body.dataset.state = state }
  const tick = () => { $('left').textContent = left == null ? '' : Math.max(0, Math.ceil((left - Date.now()) / 1e3)) + ' s left' }
  const isOver = () => said === 'drained' || said === 'the process has ended'
  const listen = () => {
    const source = new EventSource('?format=events')
    source.onmessage = ({ data }) => {
      const { state, remaining, open, record } = JSON.parse(data)
      left = remaining == null ? null : Date.now() + remaining
      tell(state)
      tick()
      count(open)
      draw(0, record, scale([record]), true)
      document.body.dataset.frames = 1 + +(document.body.dataset.frames || 0)
    }
    source.onerror = () => {
      left = null
      tick()
      tell(isOver() ? 'the process has ended' : 'not reached: trying again')
      // The browser tries again by itself, unless it got an answer: 503, since too many pages are open.
      if (source.readyState === 2) setTimeout(listen, 3e3)
    }
  }
  listen()
  setInterval(tick, 250)
}
})()`
