package streams;

import java.time.Duration;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.Stores;

/**
 * Counts with Kafka Streams until SIGTERM: exactly once, RocksDB stores with changelogs, two threads.
 *
 * <p>Arguments: broker, topic of events, topic of crossings, application id, directory for the stores.
 */
public final class Job {
  /**
   * How long ids stay in their store. It has a RocksDB for each half of this and each partition, and opening those for every
   * 5 minutes of a backlog would cost more than the counting.
   */
  private static final Duration KEPT = Duration.ofHours(2);

  private Job() {}

  public static void main(String[] args) throws InterruptedException {
    KafkaStreams streams = new KafkaStreams(topology(args[1], args[2]), config(args[0], args[3], args[4]));
    CountDownLatch failed = new CountDownLatch(1);
    streams.setStateListener((now, before) -> {
      if (now == KafkaStreams.State.ERROR) {
        failed.countDown();
      }
    });
    Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(30))));
    streams.start();
    failed.await();
    System.exit(1);
  }

  private static Topology topology(String events, String crossings) {
    return new Topology()
        .addSource("events", new StringDeserializer(), new Event.Reader(), events)
        .addProcessor("counter", Counter::new, "events")
        .addStateStore(
            Stores.windowStoreBuilder(
                Stores.persistentWindowStore(Counter.IDS, KEPT, Counter.REMEMBERED, false),
                Serdes.String(),
                Serdes.ByteArray()),
            "counter")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(Counter.TALLIES), Serdes.String(), Tally.serde())
                .withCachingEnabled(),
            "counter")
        .addStateStore(
            Stores.keyValueStoreBuilder(
                    Stores.persistentKeyValueStore(Counter.ACCOUNTS), Serdes.String(), Serdes.Long())
                .withCachingEnabled(),
            "counter")
        .addSink("crossings", crossings, new StringSerializer(), new StringSerializer(), "counter");
  }

  private static Properties config(String broker, String application, String directory) {
    Properties config = new Properties();
    config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, broker);
    config.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
    config.put(StreamsConfig.STATE_DIR_CONFIG, directory);
    config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
    config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
    config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 64 << 20);
    // The events of a backlog are old, and so is what is remembered of them: the broker is to keep it all the same.
    config.put(
        StreamsConfig.WINDOW_STORE_CHANGE_LOG_ADDITIONAL_RETENTION_MS_CONFIG, Duration.ofDays(3650).toMillis());
    return config;
  }
}
