import type { ProxyName } from './types.js'

/** A proxy that keeps connections to its backends. The figures are from its documentation, not measured: docs/proxies.md says more. */
export interface ProxyPreset {
  /** Its name in messages. */
  readonly name: string
  /** Milliseconds for which it keeps an idle connection to a backend by default. */
  readonly idle: number
  /** The page on which its vendor says so. */
  readonly source: string
}

/** The hold exceeds the proxy's figure by this: the proxy's clock starts when the response arrives there, and its close takes time to get here. */
export const PROXY_MARGIN = 5_000

export const PROXIES: Readonly<Record<ProxyName, ProxyPreset>> = Object.freeze({
  'aws-alb': {
    name: 'an AWS Application Load Balancer',
    idle: 60_000,
    source: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html',
  },
  'aws-elb': {
    name: 'an AWS Classic Load Balancer',
    idle: 60_000,
    source: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/classic/config-idle-timeout.html',
  },
  'gcp-lb': {
    name: 'a Google Cloud Application Load Balancer',
    idle: 600_000,
    source: 'https://cloud.google.com/load-balancing/docs/https#timeout-keepalive-backends',
  },
  'azure-appgw': {
    name: 'an Azure Application Gateway',
    // The documentation says only that connections to backends are reused. This is the longest of the idle timeouts in it.
    idle: 300_000,
    source: 'https://learn.microsoft.com/azure/application-gateway/application-gateway-faq',
  },
  nginx: {
    name: 'nginx',
    idle: 60_000,
    source: 'https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout',
  },
  haproxy: {
    name: 'HAProxy',
    // HAProxy has no such timeout: every 5 s it closes half of the idle connections. These are 24 such intervals.
    idle: 120_000,
    source: 'https://docs.haproxy.org/2.6/configuration.html#5.2-pool-purge-delay',
  },
  envoy: {
    name: 'Envoy',
    idle: 3_600_000,
    source: 'https://www.envoyproxy.io/docs/envoy/latest/faq/configuration/timeouts',
  },
  traefik: {
    name: 'Traefik',
    idle: 90_000,
    source: 'https://doc.traefik.io/traefik/v3.3/routing/services/#forwardingtimeoutsidleconntimeout',
  },
  caddy: {
    name: 'Caddy',
    idle: 120_000,
    source: 'https://caddyserver.com/docs/caddyfile/directives/reverse_proxy#keepalive',
  },
  cloudfront: {
    name: 'Amazon CloudFront',
    idle: 5_000,
    source: 'https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html',
  },
  cloudflare: {
    name: 'Cloudflare',
    idle: 900_000,
    source: 'https://developers.cloudflare.com/fundamentals/reference/connection-limits/',
  },
  akamai: {
    name: 'Akamai',
    idle: 300_000,
    source: 'https://techdocs.akamai.com/terraform/docs/ga-persistent-connection',
  },
  heroku: {
    name: "Heroku's router",
    idle: 90_000,
    source: 'https://devcenter.heroku.com/articles/http-routing#keepalives',
  },
})

/** Other names for proxies. Keys are folded: lower case, without `-`, `_` and blanks. */
export const PROXY_ALIASES: ReadonlyMap<string, ProxyName> = new Map([
  ['alb', 'aws-alb'],
  ['aws', 'aws-alb'],
  ['applicationloadbalancer', 'aws-alb'],
  ['elb', 'aws-elb'],
  ['clb', 'aws-elb'],
  ['classicloadbalancer', 'aws-elb'],
  ['gcp', 'gcp-lb'],
  ['gclb', 'gcp-lb'],
  ['gce', 'gcp-lb'],
  ['gke', 'gcp-lb'],
  ['google', 'gcp-lb'],
  ['googlecloud', 'gcp-lb'],
  ['azure', 'azure-appgw'],
  ['appgw', 'azure-appgw'],
  ['agic', 'azure-appgw'],
  ['applicationgateway', 'azure-appgw'],
  ['azureapplicationgateway', 'azure-appgw'],
  ['ingressnginx', 'nginx'],
  ['nginxingress', 'nginx'],
  ['openresty', 'nginx'],
  ['kong', 'nginx'],
  ['openshift', 'haproxy'],
  ['istio', 'envoy'],
  ['contour', 'envoy'],
  ['awscloudfront', 'cloudfront'],
  ['herokurouter', 'heroku'],
])

/** The preset of a name, if there is one. */
export function presetOf(name: string): ProxyPreset | undefined {
  return isProxyName(name) ? PROXIES[name] : undefined
}

/** Milliseconds for which an idle connection has to be kept, so that the proxy always closes it first. */
export function holdBehind(preset: ProxyPreset): number {
  return preset.idle + PROXY_MARGIN
}

/** The warning for an explicit `hold` that is not longer than the proxy keeps a connection. */
export function holdWarning(preset: ProxyPreset, hold: number): string | undefined {
  if (hold > preset.idle) return undefined
  return (
    `halfclose: option \`keepAlive.hold\`: ${hold} ms are not more than the ${preset.idle} ms for which ${preset.name} keeps an idle connection ` +
    `(${preset.source}): a request that it sends while the connection is closed here is lost, and its client gets a 502. ` +
    `Leave \`hold\` out (${holdBehind(preset)} ms); where the proxy's own timeout was shortened below ${hold} ms, leave out \`behind\``
  )
}

function isProxyName(name: string): name is ProxyName {
  return Object.hasOwn(PROXIES, name)
}
