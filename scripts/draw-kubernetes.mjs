// Draws docs/recipes/kubernetes.svg from the figures of examples/kubernetes/deployment.yaml; `check` says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'

const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const target = file('docs/recipes/kubernetes.svg')

const [deployment] = parseAllDocuments(readFileSync(file('examples/kubernetes/deployment.yaml'), 'utf8'))
const pod = deployment.toJS().spec.template.spec
const env = Object.fromEntries(pod.containers[0].env.map(({ name, value }) => [name, value]))
const { periodSeconds, failureThreshold } = pod.containers[0].readinessProbe
const grace = pod.terminationGracePeriodSeconds
const delay = env.DRAIN_DELAY / 1_000
const deadline = env.DRAIN_DEADLINE / 1_000
const linger = deadline + 2
const closed = linger + 5
/** Told 5 s by the last response before `draining`, and a second more. */
const promises = delay + 6
/** Only an example: the figure is the cluster's own. */
const rules = 2

const [left, right, before] = [206, 950, 4]
const scale = (right - left) / (grace + before + 1)
const x = (seconds) => Math.round(left + (seconds + before) * scale)

const parts = []
const text = (at, y, content, { cls = 'sm', anchor = 'middle' } = {}) =>
  parts.push(`<text class="${cls}" x="${at}" y="${y}" text-anchor="${anchor}">${content}</text>`)
const box = (from, to, y, cls, content) => {
  parts.push(`<rect class="${cls}" x="${x(from)}" y="${y}" width="${x(to) - x(from)}" height="26" rx="3"/>`)
  text((x(from) + x(to)) / 2, y + 17, content, { cls: cls === 'leave' || cls === 'drain' ? 'st' : 'sm' })
}
const mark = (at, y, content, anchor = 'start') => {
  parts.push(`<line class="mk" x1="${x(at)}" y1="${y - 3}" x2="${x(at)}" y2="${y + 29}"/>`)
  text(x(at) + (anchor === 'start' ? 5 : -5), y + 17, content, { cls: 'rd', anchor })
}
const lane = (y, name, what) => {
  text(14, y + 11, name, { cls: 'lb', anchor: 'start' })
  text(14, y + 26, what, { anchor: 'start' })
}

lane(34, 'kubelet', 'SIGTERM, then a clock')
box(0, grace, 34, 'wait', `terminationGracePeriodSeconds: ${grace} s`)
mark(0, 34, 'SIGTERM', 'end')
mark(grace, 34, 'SIGKILL', 'end')

lane(94, 'readiness probe', `every ${periodSeconds} s, ${failureThreshold} in a row`)
for (let at = -1; at < delay; at += periodSeconds) {
  parts.push(`<circle class="${at < 0 ? 'ok' : 'no'}" cx="${x(at)}" cy="107" r="6"/>`)
}
text(x(1 + periodSeconds * (failureThreshold - 1)) + 36, 111, '503: the endpoint is not “serving” either', { anchor: 'start' })

lane(154, 'control plane', 'EndpointSlice: not ready')
mark(0, 154, 'at once, beside SIGTERM: neither waits for the other')

lane(214, 'kube-proxy, ingress', 'on every node')
box(-before, rules, 214, 'idle', 'new connections')
box(rules, grace + 1, 214, 'wait', `none any more (here after ${rules} s: a figure of the cluster)`)

lane(274, 'process', 'halfclose')
box(0, delay, 274, 'leave', 'leaving')
box(delay, deadline, 274, 'drain', 'draining: every answer says close')
box(deadline, linger, 274, 'wait', '')
box(linger, closed, 274, 'wait', 'onDrained')
mark(deadline, 274, '')
text(x(delay), 314, `drain.delay ${delay} s`)
text(x(deadline), 314, `drain.deadline ${deadline} s`, { cls: 'rd' })

lane(334, 'kept connections', 'the rules do not touch them')
box(-before, delay, 334, 'idle', 'answered; some with close')
box(delay, promises, 334, 'prom', 'promised 5 s, +1 s')
mark(promises, 334, 'FIN: the usual end, exit code 0')

const axis = 384
parts.push(`<line class="ax" x1="${left}" y1="${axis}" x2="${right}" y2="${axis}"/>`)
for (let at = 0; at <= grace; at++) {
  parts.push(`<line class="ax" x1="${x(at)}" y1="${axis}" x2="${x(at)}" y2="${axis + (at % 5 === 0 ? 7 : 4)}"/>`)
  if (at % 5 === 0) text(x(at), axis + 22, at === 0 ? 'deleted' : `${at} s`)
}
for (const at of [0, delay, deadline, grace]) {
  parts.unshift(`<line class="ax" x1="${x(at)}" y1="30" x2="${x(at)}" y2="${axis}" stroke-dasharray="2 4"/>`)
}

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 420" width="980" height="420" font-family="system-ui, sans-serif" font-size="13" role="img" aria-labelledby="t d">
<title id="t">What happens when Kubernetes deletes a pod</title>
<desc id="d">A timeline in seconds from the deletion of the pod. At 0 the kubelet sends SIGTERM and starts the grace period of ${grace} s; at the same time the control plane marks the endpoint as not ready, and kube-proxy and ingresses follow later. The process is leaving for ${delay} s: it says 503 to the readiness probe and serves everything. Then it drains, until ${deadline} s at most, lingers, and runs onDrained. At ${grace} s comes SIGKILL.</desc>
<style>.bg{fill:#fff}.ax{stroke:#8a94a6}.lb{fill:#1f2937}.sm{fill:#4b5563;font-size:12px}.st{fill:#111827;font-weight:600;font-size:12px}.rd{fill:#b91c1c;font-size:12px}.mk{stroke:#b91c1c;stroke-width:2}.idle{fill:#dbeafe;stroke:#93c5fd}.prom{fill:#fef3c7;stroke:#f59e0b;stroke-dasharray:4 3}.wait{fill:#f3f4f6;stroke:#cbd5e1}.leave{fill:#fef3c7;stroke:#cbd5e1}.drain{fill:#fee2e2;stroke:#cbd5e1}.ok{fill:#059669}.no{fill:#f59e0b}</style>
<rect class="bg" width="980" height="420" rx="8"/>
${parts.join('\n')}
</svg>
`

if (process.argv[2] !== 'check') writeFileSync(target, svg)
else if (readFileSync(target, 'utf8') !== svg) {
  console.error('docs/recipes/kubernetes.svg is not what deployment.yaml says: node scripts/draw-kubernetes.mjs')
  process.exitCode = 1
}
