// For mongosh: makes the embedded MongoDB a replica set of one with the user of APPSMITH_DB_URL; may run repeatedly.
// biome-ignore-all lint: mongosh defines the globals.
const { APPSMITH_DB_URL: url, MEMBER: member } = process.env
const own = new URL(url)
if (own.username === '') throw new Error('APPSMITH_DB_URL names no user: mongodb://USER:PASSWORD@localhost:27017/NAME')
const name = own.pathname.slice(1)
const user = decodeURIComponent(own.username)
const pwd = decodeURIComponent(own.password)
// The user's database: that of the URL, unless it has an option.
const source = own.searchParams.get('authSource') ?? (name || 'admin')
const local = `mongodb://${member}/?directConnection=true`

/** Not with `rs`, which has no database under --nodb. */
function initiate(db) {
  db.adminCommand({ replSetInitiate: { _id: 'mr1', members: [{ _id: 0, host: member }] } })
}

function primary(db) {
  while (!db.hello().isWritablePrimary) sleep(250)
}

/** The database, as its user; undefined if there is no such user yet. */
function open() {
  try {
    // Assigned so that it is awaited here: a direct return would fail in the caller, outside this try.
    const opened = connect(`mongodb://${own.username}:${own.password}@${member}/${name}?directConnection=true&authSource=${source}`)
    return opened
  } catch (error) {
    if (error.codeName === 'AuthenticationFailed' || error.code === 18) return undefined
    throw error
  }
}

let database = open()
if (!database) {
  // Without any user, MongoDB lets a local client create the first one, in `admin`.
  const admin = connect(local).getSiblingDB('admin')
  try {
    admin.runCommand({ hello: 1 }).setName ?? initiate(admin)
  } catch (error) {
    if (error.codeName !== 'AlreadyInitialized') throw error
  }
  primary(admin)
  try {
    admin.createUser({ user: 'gatehouse-setup', pwd, roles: ['root'] })
  } catch (error) {
    // A user exists already: this one, if an earlier run was interrupted; otherwise `auth` reports the error.
    if (error.codeName !== 'Unauthorized') throw error
  }
  admin.auth('gatehouse-setup', pwd)
  admin.getSiblingDB(source).createUser({ user, pwd, roles: [{ role: 'root', db: 'admin' }, 'readWrite'] })
  admin.dropUser('gatehouse-setup')
  database = open()
}
// A set that was initiated under an earlier container name does not find itself when the name changes.
const config = database.getSiblingDB('local').system.replset.findOne()
if (config === null) initiate(database)
else if (config.members[0].host !== member) {
  config.members[0].host = member
  config.version += 1
  database.adminCommand({ replSetReconfig: config, force: true })
}
primary(database)
print(`the replica set mr1 is writable at ${member}`)
