package flink;

import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/**
 * Counts with Flink SQL up to the present end of a topic, in a cluster within this process: heap state, a checkpoint each
 * second, an exactly-once sink, parallelism 2. It then says "counted" and waits for SIGTERM.
 *
 * <p>A window is the 60 minutes before the end of a minute. So this job answers at ends of minutes and cannot name the
 * event that reached a limit; and it counts an event once more for each time that it was sent.
 *
 * <p>Arguments: broker, topic of events, topic of crossings, prefix of transactions, directory for checkpoints.
 */
public final class Job {
  private static final String EVENTS = """
      CREATE TABLE events (
        `time` TIMESTAMP_LTZ(3),
        `type` STRING,
        incident STRING,
        account STRING,
        `count` BIGINT,
        WATERMARK FOR `time` AS `time` - INTERVAL '5' SECOND
      ) WITH (
        'connector' = 'kafka',
        'properties.bootstrap.servers' = '%s',
        'topic' = '%s',
        'scan.startup.mode' = 'earliest-offset',
        'scan.bounded.mode' = 'latest-offset',
        'format' = 'json',
        'json.timestamp-format.standard' = 'ISO-8601'
      )""";

  private static final String CROSSINGS = """
      CREATE TABLE crossings (`rule` STRING, subject STRING) WITH (
        'connector' = 'kafka',
        'properties.bootstrap.servers' = '%s',
        'properties.transaction.timeout.ms' = '600000',
        'topic' = '%s',
        'format' = 'json',
        'sink.delivery-guarantee' = 'exactly-once',
        'sink.transactional-id-prefix' = '%s'
      )""";

  /**
   * Both counts in one aggregate, whose measures are split afterwards: an event is counted once, into a slice of a minute
   * that 60 windows share. A plan without slices would put it into each of the 60.
   */
  private static final String COUNT = """
      INSERT INTO crossings
      SELECT `rule`, incident FROM (
        SELECT `rule`, incident, ROW_NUMBER() OVER (PARTITION BY `rule`, incident ORDER BY seen) AS place FROM (
          SELECT `rule`, incident, PROCTIME() AS seen FROM (
            SELECT incident, COUNT(DISTINCT account) AS accounts,
              SUM(COALESCE(`count`, 1)) FILTER (WHERE `type` = 'click') AS clicks
            FROM TABLE(HOP(TABLE events, DESCRIPTOR(`time`), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))
            WHERE `type` IN ('click', 'view', 'share', 'comment')
            GROUP BY incident, window_start, window_end
          ) CROSS JOIN UNNEST(ARRAY[
            ROW('clicks', clicks >= 50000), ROW('accounts', accounts >= 2000)]) AS m (`rule`, reached)
          WHERE reached
        )
      ) WHERE place = 1""";

  private Job() {}

  public static void main(String[] args) throws Exception {
    TableEnvironment tables = TableEnvironment.create(
        EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(config(args[4])).build());
    tables.executeSql(EVENTS.formatted(args[0], args[1]));
    tables.executeSql(CROSSINGS.formatted(args[0], args[2], args[3]));
    String plan = tables.explainSql(COUNT);
    if (!plan.contains("slice_end")) {
      throw new IllegalStateException("the windows share no slices:\n" + plan);
    }
    tables.executeSql(COUNT).await();
    System.out.println("counted");
    Thread.currentThread().join();
  }

  private static Configuration config(String directory) {
    return Configuration.fromMap(Map.of(
        "parallelism.default", "2",
        "state.backend.type", "hashmap",
        "execution.checkpointing.interval", "1 s",
        "execution.checkpointing.mode", "EXACTLY_ONCE",
        "execution.checkpointing.dir", "file://" + directory,
        "table.local-time-zone", "UTC"));
  }
}
