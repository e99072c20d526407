package streams;

import java.time.Duration;
import java.util.Set;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;

/**
 * Does the job of testdata/plain.yaml: an event by its id once, its clicks and its account counted for its incident, a
 * record for each limit when it is reached.
 */
final class Counter implements Processor<String, Event, String, String> {
  static final String IDS = "ids";
  static final String TALLIES = "tallies";
  static final String ACCOUNTS = "accounts";
  static final Duration REMEMBERED = Duration.ofMinutes(10);

  private static final Set<String> TYPES = Set.of("click", "view", "share", "comment");
  private static final long CLICK_LIMIT = 50_000;
  private static final long ACCOUNT_LIMIT = 2_000;

  private ProcessorContext<String, String> context;
  private WindowStore<String, byte[]> ids;
  private KeyValueStore<String, Tally> tallies;
  private KeyValueStore<String, Long> accounts; // incident|account: the minute last seen

  @Override
  public void init(ProcessorContext<String, String> given) {
    context = given;
    ids = context.getStateStore(IDS);
    tallies = context.getStateStore(TALLIES);
    accounts = context.getStateStore(ACCOUNTS);
    context.schedule(Duration.ofMinutes(Tally.HOUR), PunctuationType.STREAM_TIME, time -> forget());
  }

  @Override
  public void process(Record<String, Event> record) {
    Event event = record.value();
    if (!TYPES.contains(event.type()) || isRepeat(event.id())) {
      return;
    }
    Tally tally = tallies.get(event.incident());
    if (tally == null) {
      tally = new Tally();
    }
    tally.slide(event.minute());
    if (!tally.covers(event.minute())) {
      return;
    }
    count(tally, event);
    announce(tally, event, record.timestamp());
    tallies.put(event.incident(), tally);
  }

  /** Remembers an id and reports whether it came before, by the newest time of the partition. */
  private boolean isRepeat(String id) {
    long now = context.currentStreamTimeMs();
    boolean known;
    try (WindowStoreIterator<byte[]> before = ids.fetch(id, now - REMEMBERED.toMillis(), now)) {
      known = before.hasNext();
    }
    ids.put(id, new byte[0], now);
    return known;
  }

  private void count(Tally tally, Event event) {
    if (event.type().equals("click")) {
      tally.addClicks(event.minute(), event.count());
    }
    String account = event.incident() + '|' + event.account();
    if (tally.addAccount(event.minute(), accounts.get(account))) {
      accounts.put(account, event.minute());
    }
  }

  private void announce(Tally tally, Event event, long timestamp) {
    if (tally.crossClicks(CLICK_LIMIT)) {
      announce("clicks", event, timestamp);
    }
    if (tally.crossAccounts(ACCOUNT_LIMIT)) {
      announce("accounts", event, timestamp);
    }
  }

  private void announce(String rule, Event event, long timestamp) {
    String text = String.format("{\"rule\":\"%s\",\"subject\":\"%s\",\"event\":\"%s\"}", rule, event.incident(), event.id());
    context.forward(new Record<>(event.incident(), text, timestamp));
  }

  /** Deletes the accounts that have left their incident's window. */
  private void forget() {
    try (KeyValueIterator<String, Long> all = accounts.all()) {
      while (all.hasNext()) {
        KeyValue<String, Long> seen = all.next();
        if (!tallies.get(seen.key.substring(0, seen.key.indexOf('|'))).covers(seen.value)) {
          accounts.delete(seen.key);
        }
      }
    }
  }
}
