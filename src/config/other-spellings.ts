/** What other programs call what is called otherwise here: Compose, supervisord, systemd, PM2, Kubernetes, Caddy, nginx, Traefik. */

/** From a name without its case, `_` and `-` to ours, of which those count that may stand in the place. */
const ourNames: Readonly<Record<string, readonly string[]>> = {
  // sections
  services: ['processes'],
  programs: ['processes'],
  program: ['processes'],
  apps: ['processes'],
  http: ['gateway'],
  server: ['gateway'],
  sites: ['gateway'],
  backends: ['upstreams', 'targets'],
  ssl: ['tls', 'certificates'],
  tls: ['certificates'],
  logging: ['log', 'output'],
  admin: ['control'],
  // processes
  cmd: ['command', 'exec'],
  exec: ['command', 'run'],
  execstart: ['command'],
  entrypoint: ['command'],
  script: ['command'],
  test: ['exec'],
  cwd: ['directory'],
  workdir: ['directory'],
  workingdir: ['directory'],
  workingdirectory: ['directory'],
  env: ['environment'],
  envfile: ['environment'],
  environmentfile: ['environment'],
  healthcheck: ['ready', 'health'],
  readinessprobe: ['ready'],
  livenessprobe: ['alive'],
  startupprobe: ['startup'],
  autorestart: ['restart'],
  restartpolicy: ['restart'],
  after: ['dependsOn'],
  requires: ['dependsOn'],
  memlimit: ['memory'],
  memorymax: ['memory'],
  maxmemoryrestart: ['memory'],
  ulimits: ['limits'],
  cron: ['schedule'],
  cronrestart: ['schedule'],
  oncalendar: ['schedule'],
  type: ['kind'],
  nofile: ['openFiles'],
  nproc: ['processes'],
  stopsignal: ['signal'],
  killsignal: ['signal'],
  killtimeout: ['grace'],
  stopwaitsecs: ['grace'],
  stopgraceperiod: ['grace'],
  timeoutstopsec: ['grace'],
  terminationgraceperiodseconds: ['grace'],
  httpget: ['http'],
  tcpsocket: ['tcp'],
  url: ['http', 'to'],
  interval: ['every'],
  periodseconds: ['every'],
  timeoutseconds: ['timeout'],
  retries: ['failures'],
  failurethreshold: ['failures'],
  variables: ['set'],
  // routes
  hostname: ['host', 'domains'],
  servername: ['host', 'domains'],
  domain: ['host', 'domains'],
  location: ['path'],
  uri: ['path'],
  pathprefix: ['path'],
  prefix: ['path'],
  backend: ['to'],
  target: ['to'],
  upstream: ['to'],
  service: ['to'],
  proxy: ['to'],
  proxypass: ['to'],
  reverseproxy: ['to'],
  dial: ['to'],
  root: ['files'],
  static: ['files'],
  fileserver: ['files'],
  tryfiles: ['fallback'],
  return: ['respond', 'redirect'],
  redir: ['redirect'],
  code: ['status'],
  statuscode: ['status'],
  text: ['body'],
  content: ['body'],
  uristripprefix: ['stripPrefix'],
  basicauth: ['auth'],
  forwardauth: ['forward'],
  verb: ['methods'],
  // gateway
  encode: ['compression'],
  gzip: ['compression'],
  entrypoints: ['listeners'],
  servers: ['listeners', 'targets'],
  realipfrom: ['trustedProxies'],
  clientmaxbodysize: ['requestBody'],
  maxbodysize: ['requestBody'],
  workers: ['threads'],
  workerprocesses: ['threads'],
  listen: ['address', 'listeners'],
  bind: ['address'],
  port: ['address'],
  urls: ['targets'],
  loadbalancer: ['balance'],
  lbpolicy: ['balance'],
  // certificates
  names: ['domains'],
  subjects: ['domains'],
  issuer: ['use'],
  issuers: ['use'],
  ca: ['directory'],
  caserver: ['directory'],
  contact: ['email'],
}

/** The key of ours that is meant by another program's, among those that may stand in the place. */
export function oursFor(key: string, allowed: readonly string[]): string | undefined {
  const plain = plainForm(key)
  const same = allowed.find((one) => plainForm(one) === plain)
  if (same !== undefined) return same
  const ours = Object.hasOwn(ourNames, plain) ? ourNames[plain] : undefined
  return ours?.find((one) => allowed.includes(one))
}

/** `depends_on`, `depends-on`, `DependsOn`, `dependsOn`. */
function plainForm(key: string): string {
  return key.toLowerCase().replaceAll(/[_.-]/g, '')
}

const ourWords: Readonly<Record<string, readonly string[]>> = {
  yes: ['true'],
  on: ['true', 'always'],
  true: ['true', 'always'],
  y: ['true'],
  1: ['true'],
  no: ['false', 'never'],
  off: ['false', 'never'],
  false: ['false', 'never'],
  n: ['false'],
  0: ['false'],
  none: ['false', 'never'],
  'unless-stopped': ['always'],
  unexpected: ['on-failure'],
  servicestarted: ['started'],
  service_started: ['started'],
  service_healthy: ['ready'],
  healthy: ['ready'],
  service_completed_successfully: ['completed'],
  oneshot: ['task'],
  job: ['task'],
  simple: ['service'],
  daemon: ['service'],
  warning: ['warn'],
  roundrobin: ['round-robin'],
  round_robin: ['round-robin'],
  least_conn: ['least-requests'],
  leastconn: ['least-requests'],
  http: ['http-01'],
  dns: ['dns-01'],
}

/** The word of ours that is meant by another program's, among those that may stand in the place. */
export function ourWordFor(word: string, allowed: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  const same = allowed.find((one) => one.toLowerCase() === lower)
  const ours = Object.hasOwn(ourWords, lower) ? ourWords[lower] : undefined
  return same ?? ours?.find((one) => allowed.includes(one))
}
