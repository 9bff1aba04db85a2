import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * The demo's API on the JDK alone: `PORT=8090 java Backend.java`. It answers GET /api/v1/health, GET /api/hello,
 * GET /api/slow?ms=500 and POST /api/echo. On SIGTERM it answers open requests and exits with 143.
 */
public class Backend {
    private static final long LONGEST_WAIT_MILLIS = 60_000;
    private static final int SECONDS_FOR_REQUESTS_IN_FLIGHT = 10;

    public static void main(String[] arguments) throws IOException {
        int port = Integer.parseInt(System.getenv("PORT"));
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        var workers = Executors.newCachedThreadPool();
        server.setExecutor(workers);
        server.createContext("/", exchange -> json(exchange, 404, "{\"error\":\"no such resource\"}"));
        server.createContext("/api/v1/health", exchange -> json(exchange, 200, "{\"status\":\"up\"}"));
        server.createContext("/api/hello", Backend::hello);
        server.createContext("/api/slow", Backend::slow);
        server.createContext("/api/echo", Backend::echo);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, workers)));
        server.start();
        System.out.println("Java " + System.getProperty("java.version") + " is serving on port " + port);
    }

    private static void hello(HttpExchange exchange) throws IOException {
        long uptimeMillis = ManagementFactory.getRuntimeMXBean().getUptime();
        var headers = exchange.getRequestHeaders();
        json(exchange, 200, """
            {"greeting":"Hello from Java","language":"java","version":%s,"pid":%d,"uptimeSeconds":%d.%03d,\
            "seen":{"protocol":%s,"client":%s,"requestId":%s}}""".formatted(
                quoted(System.getProperty("java.version")),
                ProcessHandle.current().pid(),
                uptimeMillis / 1000,
                uptimeMillis % 1000,
                quoted(headers.getFirst("X-Forwarded-Proto")),
                quoted(headers.getFirst("X-Forwarded-For")),
                quoted(headers.getFirst("X-Request-Id"))));
    }

    private static void slow(HttpExchange exchange) throws IOException {
        long wait = 0;
        var query = exchange.getRequestURI().getQuery();
        if (query != null && query.matches("ms=\\d{1,9}")) wait = Math.min(Long.parseLong(query.substring(3)), LONGEST_WAIT_MILLIS);
        try {
            Thread.sleep(wait);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        json(exchange, 200, "{\"waited\":%d}".formatted(wait));
    }

    private static void echo(HttpExchange exchange) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        exchange.sendResponseHeaders(200, 0); // 0: of unknown length, so it is sent as it arrives
        try (exchange; var body = exchange.getResponseBody()) {
            exchange.getRequestBody().transferTo(body);
        }
    }

    private static void json(HttpExchange exchange, int status, String body) throws IOException {
        var bytes = body.getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "application/json");
        try (exchange) {
            if (exchange.getRequestMethod().equals("HEAD")) {
                exchange.sendResponseHeaders(status, -1);
                return;
            }
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
        }
    }

    /** A JSON string, or null. */
    private static String quoted(String text) {
        if (text == null) return "null";
        var json = new StringBuilder("\"");
        text.chars().forEach(c -> {
            if (c == '"' || c == '\\') json.append('\\').append((char) c);
            else if (c < ' ') json.append("\\u%04x".formatted(c));
            else json.append((char) c);
        });
        return json.append('"').toString();
    }

    private static void stop(HttpServer server, ExecutorService workers) {
        System.out.println("stopping: answering the requests in flight");
        workers.shutdown();
        try {
            workers.awaitTermination(SECONDS_FOR_REQUESTS_IN_FLIGHT, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        server.stop(0);
    }
}
