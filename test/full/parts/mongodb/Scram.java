package parts;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/** The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), by which MongoDB's clients prove that they know a password. */
final class Scram {
  private static final int ITERATIONS = 15_000;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** What is kept of a password: a client can be recognised by it, and the password cannot be had from it. */
  record Secret(byte[] salt, byte[] storedKey, byte[] serverKey) {
    static Secret of(String password) throws GeneralSecurityException {
      var salt = random(28);
      var salted = SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
          .generateSecret(new PBEKeySpec(password.toCharArray(), salt, ITERATIONS, 256))
          .getEncoded();
      return new Secret(salt, sha256(hmac(salted, "Client Key")), hmac(salted, "Server Key"));
    }

    static Secret parse(String text) {
      var parts = Arrays.stream(text.split(":")).map(Base64.getDecoder()::decode).toArray(byte[][]::new);
      return new Secret(parts[0], parts[1], parts[2]);
    }

    @Override
    public String toString() {
      return base64(salt) + ":" + base64(storedKey) + ":" + base64(serverKey);
    }
  }

  /** `n,,n=USER,r=NONCE` as its attributes. */
  static Map<Character, String> attributes(String message) {
    var found = new HashMap<Character, String>();
    for (var word : message.split(",")) if (word.length() > 1 && word.charAt(1) == '=') found.put(word.charAt(0), word.substring(2));
    return found;
  }

  final String user;
  /** The answer to the client's first message. */
  final String challenge;
  private final Secret secret;
  private final String begun;

  Scram(String clientFirst, Secret secret) {
    var bare = clientFirst.substring(clientFirst.indexOf(",,") + 2);
    this.user = attributes(bare).get('n').replace("=2C", ",").replace("=3D", "=");
    this.secret = secret;
    this.challenge = "r=" + attributes(bare).get('r') + base64(random(18)) + ",s=" + base64(secret.salt) + ",i=" + ITERATIONS;
    this.begun = bare + "," + challenge + ",";
  }

  /** The answer to the client's last message, or null if its proof is wrong. */
  String answer(String clientFinal) throws GeneralSecurityException {
    var proof = Base64.getDecoder().decode(attributes(clientFinal).get('p'));
    var conversation = begun + clientFinal.substring(0, clientFinal.lastIndexOf(",p="));
    var signature = hmac(secret.storedKey, conversation);
    var clientKey = new byte[proof.length];
    for (var index = 0; index < proof.length; index++) clientKey[index] = (byte) (proof[index] ^ signature[index]);
    if (!MessageDigest.isEqual(sha256(clientKey), secret.storedKey)) return null;
    return "v=" + base64(hmac(secret.serverKey, conversation));
  }

  private static byte[] random(int length) {
    var bytes = new byte[length];
    RANDOM.nextBytes(bytes);
    return bytes;
  }

  private static byte[] hmac(byte[] key, String text) throws GeneralSecurityException {
    var mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(key, "HmacSHA256"));
    return mac.doFinal(text.getBytes(UTF_8));
  }

  private static byte[] sha256(byte[] bytes) throws GeneralSecurityException {
    return MessageDigest.getInstance("SHA-256").digest(bytes);
  }

  private static String base64(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
