package parts;

import static org.springframework.web.reactive.function.server.RequestPredicates.path;
import static org.springframework.web.reactive.function.server.RouterFunctions.route;

import com.mongodb.reactivestreams.client.MongoClients;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.bson.Document;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerSentEvent;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** The backend's place in a test: Spring WebFlux on Netty, as the real one, telling what it received and what it reaches. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
public class Backend {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  public static void main(String[] words) {
    SpringApplication.run(Backend.class, words);
  }

  @Bean
  RouterFunction<ServerResponse> routes() {
    return route()
        .GET("/api/v1/health", request -> json(Map.of("responseMeta", Map.of("status", 200, "success", true))))
        .GET("/api/v1/stores", request -> stores().flatMap(Backend::json))
        .GET("/api/v1/fetch", Backend::fetch)
        .GET("/api/v1/slow", request -> Mono.delay(Duration.ofMillis(number(request, "ms"))).flatMap(turn -> json(Map.of("slow", true))))
        .GET("/api/v1/events", Backend::events)
        .add(route(path("/api/**").or(path("/oauth2/**")).or(path("/login/**")), Backend::echo))
        .build();
  }

  private static Mono<ServerResponse> json(Object body) {
    return ServerResponse.ok().contentType(MediaType.APPLICATION_JSON).bodyValue(body);
  }

  private static long number(ServerRequest request, String name) {
    return Long.parseLong(request.queryParam(name).orElse("0"));
  }

  /** What came in, as it came in: method, path, each header's first value, length of the body. */
  private static Mono<ServerResponse> echo(ServerRequest request) {
    return request.bodyToMono(byte[].class).defaultIfEmpty(new byte[0]).flatMap(body -> {
      var answer = new LinkedHashMap<String, Object>();
      answer.put("method", request.method().name());
      answer.put("path", request.path());
      answer.put("headers", request.headers().asHttpHeaders().toSingleValueMap());
      answer.put("body", body.length);
      return json(answer);
    });
  }

  private static Mono<ServerResponse> events(ServerRequest request) {
    // Not by an interval, which fails where a tick comes before the one before it was taken.
    var numbers = Flux.range(0, 3).delayElements(Duration.ofMillis(100)).map(number -> ServerSentEvent.builder("event " + number).build());
    return ServerResponse.ok().contentType(MediaType.TEXT_EVENT_STREAM).body(numbers, ServerSentEvent.class);
  }

  /** Fetches by JSSE's default trust store, as every action does that a user of the product defines. */
  private static Mono<ServerResponse> fetch(ServerRequest request) {
    var address = URI.create(request.queryParam("url").orElseThrow());
    return Mono.fromCallable(() -> {
          try (var body = address.toURL().openStream()) {
            return Map.of("fetched", new String(body.readAllBytes(), StandardCharsets.UTF_8));
          } catch (IOException failure) {
            return Map.of("refused", String.valueOf(failure.getMessage()));
          }
        })
        .subscribeOn(Schedulers.boundedElastic())
        .flatMap(Backend::json);
  }

  /** Writes to MongoDB and asks Redis, each by the URL of the deployment; a store that is away is told, not thrown. */
  private static Mono<Map<String, Object>> stores() {
    var mongodb = Mono.using(
            () -> MongoClients.create(System.getenv("APPSMITH_DB_URL")),
            client -> {
              var visits = client.getDatabase("appsmith").getCollection("visits");
              return Mono.from(visits.insertOne(new Document("by", "backend"))).then(Mono.from(visits.countDocuments()));
            },
            client -> client.close())
        .timeout(PATIENCE)
        .<Object>map(count -> count)
        .onErrorResume(failure -> Mono.just("away: " + failure.getMessage()));
    var redis = Mono.<Object>fromCallable(() -> ping(URI.create(System.getenv("APPSMITH_REDIS_URL"))))
        .subscribeOn(Schedulers.boundedElastic())
        .onErrorResume(failure -> Mono.just("away: " + failure.getMessage()));
    return Mono.zip(mongodb, redis, (visits, pong) -> Map.of("mongodb", visits, "redis", pong));
  }

  private static String ping(URI address) throws IOException {
    try (var socket = new Socket(address.getHost(), address.getPort())) {
      socket.setSoTimeout((int) PATIENCE.toMillis());
      socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
      var answer = new byte[64];
      var length = socket.getInputStream().read(answer);
      return new String(answer, 0, Math.max(0, length), StandardCharsets.US_ASCII).strip();
    }
  }
}
