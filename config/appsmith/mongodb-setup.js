// For mongosh: makes the embedded MongoDB a replica set of one with the user of APPSMITH_DB_URL; as often as one likes.
// biome-ignore-all lint: what is not defined here is mongosh's own.
const { APPSMITH_DB_URL: url, MEMBER: member } = process.env
const own = new URL(url)
if (own.username === '') throw new Error('APPSMITH_DB_URL names no user: mongodb://USER:PASSWORD@localhost:27017/NAME')
const name = own.pathname.slice(1)
const user = decodeURIComponent(own.username)
const pwd = decodeURIComponent(own.password)
// Where the user is: the database of the URL, unless it says otherwise.
const source = own.searchParams.get('authSource') ?? (name || 'admin')
const local = `mongodb://${member}/?directConnection=true`

/** Not by `rs`, which knows no database under --nodb. */
function initiate(db) {
  db.adminCommand({ replSetInitiate: { _id: 'mr1', members: [{ _id: 0, host: member }] } })
}

function primary(db) {
  while (!db.hello().isWritablePrimary) sleep(250)
}

/** The database, as its user; undefined if there is no such user yet. */
function open() {
  try {
    // Awaited here by its assignment: what is returned at once is awaited by the caller, where its failure would not be caught.
    const opened = connect(`mongodb://${own.username}:${own.password}@${member}/${name}?directConnection=true&authSource=${source}`)
    return opened
  } catch (error) {
    if (error.codeName === 'AuthenticationFailed' || error.code === 18) return undefined
    throw error
  }
}

let database = open()
if (!database) {
  // As long as there is no user, MongoDB lets somebody on its own machine make the first one, in `admin`.
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
    // There is somebody already: this very user, if an earlier run was interrupted, or `auth` says what is wrong.
    if (error.codeName !== 'Unauthorized') throw error
  }
  admin.auth('gatehouse-setup', pwd)
  admin.getSiblingDB(source).createUser({ user, pwd, roles: [{ role: 'root', db: 'admin' }, 'readWrite'] })
  admin.dropUser('gatehouse-setup')
  database = open()
}
// A set that was begun under the container's name of that day finds itself no more when the name changes.
const config = database.getSiblingDB('local').system.replset.findOne()
if (config === null) initiate(database)
else if (config.members[0].host !== member) {
  config.members[0].host = member
  config.version += 1
  database.adminCommand({ replSetReconfig: config, force: true })
}
primary(database)
print(`the replica set mr1 is writable at ${member}`)
