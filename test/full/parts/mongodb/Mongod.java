package parts;

import static java.nio.charset.StandardCharsets.UTF_8;

import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.BinData;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import io.netty.channel.Channel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.h2.mvstore.MVStore;

/**
 * A stand-in for `mongod`, which no registry serves. Real are the wire protocol and the documents (mongo-java-server, in a
 * file of H2 under --dbpath), and SCRAM-SHA-256. Played is the rest of what a deployment's setup meets: a replica set of one
 * that refuses writes until it is begun, users (each may do everything), and the first user from this machine.
 */
public final class Mongod extends H2Backend {
  private static final int WIRE_VERSION = 9; // the wire version of MongoDB 4.4, which today's clients still speak
  private static final Set<String> OPEN = Set.of(
      "hello", "isMaster", "ismaster", "ping", "buildInfo", "buildinfo", "saslStart", "saslContinue", "logout", "endSessions", "connectionStatus");
  private static final Set<String> FIRST = Set.of("createUser", "replSetInitiate", "replSetGetStatus");
  private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findAndModify", "create", "createIndexes", "createUser", "dropUser");

  private final Map<Channel, Scram> conversations = new ConcurrentHashMap<>();
  private final Map<Channel, String> authenticated = new ConcurrentHashMap<>();
  /** `database.user` → secret, and of the replica set `host` and `version`, in the same file as the documents. */
  private final Map<String, String> users;
  private final Map<String, String> set;
  private final String setName;
  private final boolean authorization;

  private Mongod(MVStore store, String setName, boolean authorization) {
    super(store);
    this.users = store.openMap("stand-in.users");
    this.set = store.openMap("stand-in.set");
    this.setName = setName;
    this.authorization = authorization;
  }

  public static void main(String[] words) throws Exception {
    var options = new HashMap<String, String>();
    var known = Set.of("--dbpath", "--port", "--bind_ip", "--replSet", "--keyFile");
    for (var index = 0; index < words.length; index += 2) {
      if (!known.contains(words[index])) throw new IllegalArgumentException("Error parsing command line: unrecognised option " + words[index]);
      options.put(words[index], words[index + 1]);
    }
    var folder = Path.of(options.getOrDefault("--dbpath", "/data/db"));
    if (!Files.isDirectory(folder)) throw new IllegalStateException("Data directory " + folder + " not found");
    var key = options.get("--keyFile");
    if (key != null && Files.getPosixFilePermissions(Path.of(key)).size() > 2)
      throw new IllegalStateException("permissions on " + key + " are too open");
    var backend = new Mongod(MVStore.open(folder.resolve("documents.h2").toString()), options.get("--replSet"), key != null);
    var server = new MongoServer(backend);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      server.shutdownNow();
      System.out.println("Shutting down with exit code 0");
      Runtime.getRuntime().halt(0); // Java's own would be 143
    }));
    var port = Integer.parseInt(options.getOrDefault("--port", "27017"));
    server.bind(options.getOrDefault("--bind_ip", "localhost").split(",")[0], port);
    System.out.println("Waiting for connections on port " + port);
  }

  @Override
  public Document handleMessage(MongoMessage message) {
    var command = message.getDocument();
    var name = command.keySet().iterator().next();
    var answer = own(message.getChannel(), message.getDatabaseName(), name, command);
    return answer == null ? super.handleMessage(message) : answer;
  }

  /** The handshake of older clients comes as a query. */
  @Override
  public Document handleCommand(Channel channel, String database, String name, Document command) {
    var answer = own(channel, database, name, command);
    return answer == null ? super.handleCommand(channel, database, name, command) : answer;
  }

  @Override
  public void handleClose(Channel channel) {
    conversations.remove(channel);
    authenticated.remove(channel);
    super.handleClose(channel);
  }

  /** The answer to a command that is played here; null for those that mongo-java-server answers. */
  private Document own(Channel channel, String database, String name, Document command) {
    var exempt = users.isEmpty() && FIRST.contains(name);
    if (authorization && !OPEN.contains(name) && !exempt && !authenticated.containsKey(channel))
      throw new MongoServerError(13, "Unauthorized", "Command " + name + " requires authentication");
    if (WRITES.contains(name) && !isPrimary()) throw new MongoServerError(10107, "NotWritablePrimary", "not primary");
    try {
      return switch (name) {
        case "hello", "isMaster", "ismaster" -> hello();
        case "saslStart" -> start(channel, database, command);
        case "saslContinue" -> proceed(channel, command);
        case "replSetInitiate" -> initiate((Document) command.get(name));
        case "replSetReconfig" -> reconfigure((Document) command.get(name));
        case "replSetGetStatus" -> status();
        case "createUser" -> createUser(database + "." + command.get(name), (String) command.get("pwd"));
        case "dropUser" -> dropUser(database + "." + command.get(name));
        case "find" -> database.equals("local") && command.get(name).equals("system.replset") ? found() : null;
        default -> null;
      };
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private boolean isPrimary() {
    return setName == null || set.containsKey("host");
  }

  private Document hello() {
    var answer = ok().append("helloOk", true).append("ismaster", isPrimary()).append("isWritablePrimary", isPrimary())
        .append("maxBsonObjectSize", 16 * 1024 * 1024).append("maxMessageSizeBytes", 48_000_000).append("maxWriteBatchSize", 100_000)
        .append("minWireVersion", 0).append("maxWireVersion", WIRE_VERSION).append("readOnly", false)
        .append("saslSupportedMechs", List.of("SCRAM-SHA-256"));
    if (setName == null) return answer;
    if (!isPrimary()) return answer.append("secondary", false).append("isreplicaset", true).append("info", "Does not have a valid replica set config");
    var host = set.get("host");
    return answer.append("setName", setName).append("setVersion", version()).append("secondary", false)
        .append("hosts", List.of(host)).append("primary", host).append("me", host);
  }

  private Document start(Channel channel, String database, Document command) {
    if (!"SCRAM-SHA-256".equals(command.get("mechanism"))) throw new MongoServerError(2, "BadValue", "only SCRAM-SHA-256 is spoken here");
    var first = text(command);
    var secret = users.get(database + "." + Scram.attributes(first.substring(first.indexOf(",,") + 2)).get('n'));
    if (secret == null) throw refused();
    var conversation = new Scram(first, Scram.Secret.parse(secret));
    conversations.put(channel, conversation);
    return said(conversation.challenge, false);
  }

  private Document proceed(Channel channel, Document command) throws GeneralSecurityException {
    var conversation = conversations.remove(channel);
    var answer = conversation == null ? null : conversation.answer(text(command));
    if (answer == null) throw refused();
    authenticated.put(channel, conversation.user);
    return said(answer, true);
  }

  private static MongoServerError refused() {
    return new MongoServerError(18, "AuthenticationFailed", "Authentication failed.");
  }

  private Document initiate(Document config) {
    if (set.containsKey("host")) throw new MongoServerError(23, "AlreadyInitialized", "already initialized");
    if (!setName.equals(config.get("_id"))) throw new MongoServerError(93, "InvalidReplicaSetConfig", "the set is named " + setName);
    return accept(config, 1);
  }

  private Document reconfigure(Document config) {
    return accept(config, version() + 1);
  }

  private Document accept(Document config, int version) {
    set.put("host", (String) member(config).get("host"));
    set.put("version", String.valueOf(version));
    commit();
    return ok();
  }

  private static Document member(Document config) {
    return (Document) ((List<?>) config.get("members")).get(0);
  }

  private int version() {
    return Integer.parseInt(set.get("version"));
  }

  private Document status() {
    if (!isPrimary()) throw new MongoServerError(94, "NotYetInitialized", "no replset config has been received");
    var self = new Document("_id", 0).append("name", set.get("host")).append("health", 1.0).append("state", 1).append("stateStr", "PRIMARY").append("self", true);
    return ok().append("set", setName).append("myState", 1).append("members", List.of(self));
  }

  /** `local.system.replset`, where MongoDB keeps the configuration of the set. */
  private Document found() {
    var config = new Document("_id", setName).append("version", isPrimary() ? version() : 0)
        .append("members", List.of(new Document("_id", 0).append("host", set.get("host"))));
    var batch = isPrimary() ? List.of(config) : List.of();
    return ok().append("cursor", new Document("id", 0L).append("ns", "local.system.replset").append("firstBatch", batch));
  }

  private Document createUser(String user, String password) throws GeneralSecurityException {
    if (users.containsKey(user)) throw new MongoServerError(51003, "Location51003", "User \"" + user + "\" already exists");
    users.put(user, Scram.Secret.of(password).toString());
    commit();
    return ok();
  }

  private Document dropUser(String user) {
    if (users.remove(user) == null) throw new MongoServerError(11, "UserNotFound", "User '" + user + "' not found");
    commit();
    return ok();
  }

  private static String text(Document command) {
    return new String(((BinData) command.get("payload")).getData(), UTF_8);
  }

  private static Document said(String payload, boolean done) {
    return ok().append("conversationId", 1).append("done", done).append("payload", new BinData(payload.getBytes(UTF_8)));
  }

  private static Document ok() {
    return new Document("ok", 1.0);
  }
}
