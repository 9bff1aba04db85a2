/**
 * Keys of other programs that have no counterpart in the same place: what to write instead, or why nothing is needed.
 */

/** Each place is recognised by a key that only it has. */
const places = {
  process: 'command',
  route: 'stripPrefix',
  gateway: 'routes',
  top: 'processes',
  listener: 'proxyProtocol',
  certificate: 'domains',
  files: 'fallback',
  auth: 'forward',
} as const

type Place = keyof typeof places
/** The hint, from the value of the key; undefined if that is not a scalar. */
type Hint = (value: string | undefined) => string

const instead =
  (text: (value: string) => string, usual: string): Hint =>
  (value) =>
    `write \`${text(value ?? usual)}\` instead`
const remove =
  (why: string): Hint =>
  () =>
    `remove it: ${why}`
const say =
  (text: string): Hint =>
  () =>
    text

const seconds = (value: string) => (/^\d+$/.test(value) ? `${value}s` : value)
const grace = instead((value) => `stop: { grace: ${seconds(value)} }`, '10s')
const stopSignal = instead((value) => `stop: { signal: ${value} }`, 'SIGTERM')
const bodyLimit = instead((value) => `limits: { requestBody: ${value} }`, '10MB')
const copies = say(
  'an entry runs one process: write an entry for each, and list their ports as `targets` in `upstreams`',
)
const outputs = remove('output goes to the log, and with `log: { directory: ./logs }` also to files')
const pause = instead((value) => `restart: { backoff: { next: ${seconds(value)} } }`, '1s')
const attempts = instead((value) => `restart: { giveUp: { failures: ${value} } }`, '5')
const container = remove('Gatehouse runs programs, not containers')
const upgrades = remove('`to` forwards WebSockets without an option')
const certificateFiles = say('name both files: `use: [{ files: { certificate: cert.pem, key: key.pem } }]`')

const hints: Readonly<Record<Place, Readonly<Record<string, Hint>>>> = {
  process: {
    args: say('add them to `command`: a list of the program and its arguments'),
    stopgraceperiod: grace,
    stopwaitsecs: grace,
    killtimeout: grace,
    timeoutstopsec: grace,
    terminationgraceperiodseconds: grace,
    stopsignal: stopSignal,
    killsignal: stopSignal,
    instances: copies,
    numprocs: copies,
    replicas: copies,
    scale: copies,
    autostart: remove('every process starts; `when: { env: NAME }` excludes one'),
    priority: remove('`dependsOn` sets the order of start'),
    name: remove('the key of the entry is its name'),
    startsecs: instead((value) => `restart: { steady: ${seconds(value)} }`, '10s'),
    startretries: attempts,
    maxrestarts: attempts,
    restartsec: pause,
    restartdelay: pause,
    stdoutlogfile: outputs,
    stderrlogfile: outputs,
    redirectstderr: outputs,
    outfile: outputs,
    errorfile: outputs,
    standardoutput: outputs,
    standarderror: outputs,
    image: container,
    build: container,
    volumes: container,
    networks: container,
    containername: container,
  },
  route: {
    websocket: upgrades,
    websockets: upgrades,
    ws: upgrades,
    upgrade: upgrades,
    body: bodyLimit,
    maxbody: bodyLimit,
    bodylimit: bodyLimit,
    bodysize: bodyLimit,
    maxbodysize: bodyLimit,
    maxrequestbody: bodyLimit,
    clientmaxbodysize: bodyLimit,
    pathtype: remove('`path: /api` matches that path alone, `path: /api/*` everything below it'),
    rule: instead((value) => `path: ${/PathPrefix\(`([^`]*?)\/?`\)/.exec(value)?.[1] ?? '/api'}/*`, ''),
    cors: say('set the headers: `response: { headers: { Access-Control-Allow-Origin: https://app.example.com } }`'),
    cache: say('for files, set `files: { cacheControl: ... }`; responses from `to` keep their own Cache-Control'),
  },
  gateway: {
    port: instead((value) => `listeners: { http: ${value.startsWith(':') ? value : `:${value}`} }`, ':8080'),
  },
  top: { email: say('it belongs to the source of the certificate: `use: [{ acme: { email: admin@example.com } }]`') },
  listener: {
    redirect: say('write it as a route: `{ listener: http, redirect: { to: "https://{host}{uri}" } }`'),
  },
  certificate: { cert: certificateFiles, certificate: certificateFiles, key: certificateFiles },
  auth: {},
  files: {
    spa: instead(() => 'fallback: index.html', ''),
    index: remove('the `index.html` of a folder is always served'),
  },
}

/** `value`: that of the key, if it is a scalar. */
export function foreignKeyHint(key: string, allowed: readonly string[], value: string | undefined): string | undefined {
  const normalized = key.toLowerCase().replaceAll(/[_-]/g, '')
  const found = (Object.keys(places) as Place[]).find((place) => allowed.includes(places[place]))
  // Users are defined once for all routes.
  if (found === 'auth' && value !== undefined)
    return `passwords belong in \`users: { ${key}: { password: ... } }\`: write \`basic: ${key}\` instead`
  const known = found && hints[found]
  return known && Object.hasOwn(known, normalized) ? known[normalized]?.(value) : undefined
}
