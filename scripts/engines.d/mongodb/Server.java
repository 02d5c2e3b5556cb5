import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.bson.BsonDecoder;
import de.bwaldvogel.mongo.wire.bson.BsonEncoder;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.embedded.EmbeddedChannel;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * mongo-java-server with what it lacks for these tests: commands run one at a time and answers are copies (its answers
 * are live documents, which change while they are sent), writes are in a journal before they are answered (a killed
 * process loses none of them; power loss may), and secondary indexes are used. Arguments: address, port, journal.
 */
public final class Server {
  private static final Set<String> WRITES = Set.of("insert", "update", "delete", "findandmodify", "create",
      "createindexes", "dropindexes", "drop", "dropdatabase");

  public static void main(String[] args) throws IOException {
    Backend backend = new Backend(Path.of(args[2]));
    MongoServer server = new MongoServer(backend);
    server.bind(args[0], Integer.parseInt(args[1]));
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    System.out.println("ready");
  }

  private static final class Backend extends MemoryBackend {
    private final RandomAccessFile journal;

    Backend(Path path) throws IOException {
      version(new OldestVersion());
      journal = new RandomAccessFile(path.toFile(), "rw");
      replay();
    }

    @Override
    public MemoryDatabase openOrCreateDatabase(String name) {
      return new Database(name, getCursorRegistry());
    }

    @Override
    public synchronized Document handleCommand(Channel channel, String database, String command, Document query) {
      if (WRITES.contains(command.toLowerCase(Locale.ROOT))) append(database, command, query);
      return super.handleCommand(channel, database, command, query).cloneDeeply();
    }

    private void append(String database, String command, Document query) {
      ByteBuf buffer = Unpooled.buffer();
      Document kept = new Document(query);
      kept.remove("lsid");
      Document entry = new Document("database", database).append("command", command).append("query", kept);
      BsonEncoder.encodeDocument(entry, buffer);
      try {
        // Where nothing is left, neither need be what led to it.
        if (listDatabaseNames().isEmpty()) journal.setLength(0);
        journal.write(buffer.array(), 0, buffer.readableBytes());
      } catch (IOException error) {
        throw new IllegalStateException(error);
      }
    }

    /** Everything runs as it did; what the last kill cut off was not answered. */
    private void replay() throws IOException {
      Channel nobody = new EmbeddedChannel();
      byte[] length = new byte[4];
      long end = 0;
      while (end + 4 <= journal.length()) {
        journal.seek(end);
        journal.readFully(length);
        int size = Unpooled.wrappedBuffer(length).readIntLE();
        if (size < 5 || end + size > journal.length()) break;
        byte[] bytes = new byte[size];
        journal.seek(end);
        journal.readFully(bytes);
        Document entry = BsonDecoder.decodeBson(Unpooled.wrappedBuffer(bytes));
        String database = (String) entry.get("database");
        try {
          super.handleCommand(nobody, database, (String) entry.get("command"), (Document) entry.get("query"));
        } catch (RuntimeException refused) {
          // As it was the first time.
        }
        end += size;
      }
      journal.setLength(end);
      journal.seek(end);
    }
  }

  /** The oldest one that today's drivers take; they refuse what mongo-java-server says by itself. */
  private static final class OldestVersion implements MongoVersion {
    @Override
    public List<Integer> getVersionArray() {
      return List.of(4, 4, 0);
    }

    @Override
    public int getWireVersion() {
      return 9;
    }
  }

  private static final class Database extends MemoryDatabase {
    Database(String name, CursorRegistry cursors) {
      super(name, cursors);
    }

    @Override
    protected MemoryCollection openOrCreateCollection(String name, CollectionOptions options) {
      return new Collection(this, name, options, cursorRegistry);
    }

    @Override
    protected Index<Integer> openOrCreateSecondaryIndex(
        String collection, String name, List<IndexKey> keys, boolean sparse) {
      return new SecondaryIndex(name, keys);
    }
  }

  private static final class Collection extends MemoryCollection {
    Collection(MemoryDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
      super(database, name, options, cursors);
    }

    /** Its own indexes take only queries for exactly their fields. */
    @Override
    protected QueryResult queryDocuments(
        Document query, Document orderBy, int skip, int limit, int batchSize, Document fields) {
      Object id = query.get("_id");
      boolean isIds = id instanceof Document && ((Document) id).keySet().equals(Set.of("$in"));
      if (id != null && (isIds || !(id instanceof Document)) && query.size() > 1) {
        Set<Integer> positions = new LinkedHashSet<>();
        for (Object one : isIds ? (java.util.Collection<?>) ((Document) id).get("$in") : List.of(id)) {
          getIndexes().get(0).getPositions(new Document("_id", one)).forEach(positions::add);
        }
        return matchDocuments(query, positions, orderBy, skip, limit, batchSize, fields);
      }
      return super.queryDocuments(query, orderBy, skip, limit, batchSize, fields);
    }
  }
}
