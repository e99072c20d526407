package streams;

import java.nio.ByteBuffer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/**
 * One incident's counters over the minute of its newest event and the 60 before. Buckets are minutes, kept modulo their
 * number.
 */
final class Tally {
  static final int HOUR = 60;

  private static final int BUCKETS = HOUR + 1;
  private static final int SIZE = 2 * Long.BYTES + Integer.BYTES + 1 + BUCKETS * (Long.BYTES + Integer.BYTES);

  private long newest;
  private long clicks;
  private int accounts;
  private boolean clicksCrossed;
  private boolean accountsCrossed;
  private final long[] clicksOf = new long[BUCKETS];
  private final int[] accountsOf = new int[BUCKETS]; // by the minute last seen

  static Serde<Tally> serde() {
    return Serdes.serdeFrom((topic, tally) -> tally.write(), (topic, bytes) -> bytes == null ? null : read(bytes));
  }

  /** Moves the tally's time to a minute, if that is later. */
  void slide(long minute) {
    newest = Math.max(newest, minute - BUCKETS);
    while (newest < minute) {
      int i = (int) (++newest % BUCKETS);
      clicks -= clicksOf[i];
      accounts -= accountsOf[i];
      clicksOf[i] = 0;
      accountsOf[i] = 0;
    }
  }

  /** Reports whether a minute is in the window. */
  boolean covers(long minute) {
    return minute >= newest - HOUR;
  }

  void addClicks(long minute, long count) {
    clicksOf[(int) (minute % BUCKETS)] += count;
    clicks += count;
  }

  /** Counts an account that was last seen in a minute before, or null; it answers whether that moved it. */
  boolean addAccount(long minute, Long last) {
    if (last != null && covers(last)) {
      if (last >= minute) {
        return false;
      }
      accountsOf[(int) (last % BUCKETS)]--;
    } else {
      accounts++;
    }
    accountsOf[(int) (minute % BUCKETS)]++;
    return true;
  }

  /** Says once that the limit of clicks is reached. */
  boolean crossClicks(long limit) {
    boolean now = !clicksCrossed && clicks >= limit;
    clicksCrossed |= now;
    return now;
  }

  /** Says once that the limit of accounts is reached. */
  boolean crossAccounts(long limit) {
    boolean now = !accountsCrossed && accounts >= limit;
    accountsCrossed |= now;
    return now;
  }

  private byte[] write() {
    ByteBuffer out = ByteBuffer.allocate(SIZE);
    out.putLong(newest).putLong(clicks).putInt(accounts);
    out.put((byte) ((clicksCrossed ? 1 : 0) + (accountsCrossed ? 2 : 0)));
    for (int i = 0; i < BUCKETS; i++) {
      out.putLong(clicksOf[i]).putInt(accountsOf[i]);
    }
    return out.array();
  }

  private static Tally read(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    Tally tally = new Tally();
    tally.newest = in.getLong();
    tally.clicks = in.getLong();
    tally.accounts = in.getInt();
    byte crossed = in.get();
    tally.clicksCrossed = (crossed & 1) != 0;
    tally.accountsCrossed = (crossed & 2) != 0;
    for (int i = 0; i < BUCKETS; i++) {
      tally.clicksOf[i] = in.getLong();
      tally.accountsOf[i] = in.getInt();
    }
    return tally;
  }
}
