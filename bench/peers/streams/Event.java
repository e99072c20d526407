package streams;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.time.Instant;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.Deserializer;

/** What the job needs of an event. A field that the record lacks is null, a count 1. */
record Event(String id, long minute, String type, String incident, String account, long count) {

  /** Reads an event by Jackson's streaming parser, which makes no tree and skips what is not needed. */
  static final class Reader implements Deserializer<Event> {
    private final JsonFactory json = new JsonFactory();

    @Override
    public Event deserialize(String topic, byte[] value) {
      try (JsonParser in = json.createParser(value)) {
        return read(in);
      } catch (IOException cause) {
        throw new SerializationException("read an event of " + topic, cause);
      }
    }

    private static Event read(JsonParser in) throws IOException {
      String id = null;
      String time = null;
      String type = null;
      String incident = null;
      String account = null;
      long count = 1;
      in.nextToken();
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        String name = in.currentName();
        in.nextToken();
        switch (name) {
          case "id" -> id = in.getText();
          case "time" -> time = in.getText();
          case "type" -> type = in.getText();
          case "incident" -> incident = in.getText();
          case "account" -> account = in.getText();
          case "count" -> count = in.getLongValue();
          default -> in.skipChildren();
        }
      }
      return new Event(id, Instant.parse(time).getEpochSecond() / 60, type, incident, account, count);
    }
  }
}
