import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.ValueComparator;
import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Finds documents by the first field of an index: equal to a value or one of several, or in a range. */
final class SecondaryIndex extends Index<Integer> {
  private static final Set<String> RANGES = Set.of("$lt", "$lte", "$gt", "$gte");
  private static final Comparator<Object> ORDER = ValueComparator.asc();

  private final String field;
  private final NavigableMap<Object, Set<Integer>> positions = new TreeMap<>(ORDER);
  private final Map<Object, Integer> byId = new HashMap<>();

  SecondaryIndex(String name, List<IndexKey> keys) {
    // "Sparse" lets it answer that it does not know the position of a document.
    super(name, keys, true);
    field = keys.get(0).getKey();
  }

  private Set<Object> valuesOf(Document document) {
    Set<Object> values = new TreeSet<>(ORDER);
    for (KeyValue value : getKeyValues(document)) if (value.get(0) != null) values.add(value.get(0));
    return values;
  }

  @Override
  public void add(Document document, Integer position, MongoCollection<Integer> collection) {
    byId.put(document.get("_id"), position);
    for (Object value : valuesOf(document)) {
      positions.computeIfAbsent(value, none -> new LinkedHashSet<>()).add(position);
    }
  }

  @Override
  public Integer remove(Document document) {
    Integer position = byId.remove(document.get("_id"));
    for (Object value : valuesOf(document)) {
      Set<Integer> some = positions.get(value);
      some.remove(position);
      if (some.isEmpty()) positions.remove(value);
    }
    return null;
  }

  @Override
  public void updateInPlace(Document before, Document after, Integer position, MongoCollection<Integer> collection) {
    remove(before);
    add(after, position, collection);
  }

  @Override
  public boolean canHandle(Document query) {
    Object asked = query.get(field);
    if (!(asked instanceof Document)) return asked != null && !(asked instanceof Collection);
    Set<String> operators = ((Document) asked).keySet();
    return operators.equals(Set.of("$in")) || (!operators.isEmpty() && RANGES.containsAll(operators));
  }

  @Override
  public Iterable<Integer> getPositions(Document query) {
    Object asked = query.get(field);
    Set<Integer> found = new LinkedHashSet<>();
    if (!(asked instanceof Document)) found.addAll(positions.getOrDefault(asked, Set.of()));
    else if (((Document) asked).containsKey("$in")) {
      for (Object value : (Collection<?>) ((Document) asked).get("$in")) {
        found.addAll(positions.getOrDefault(value, Set.of()));
      }
    } else within((Document) asked).values().forEach(found::addAll);
    return found;
  }

  private NavigableMap<Object, Set<Integer>> within(Document range) {
    NavigableMap<Object, Set<Integer>> part = positions;
    for (Map.Entry<String, Object> end : range.entrySet()) {
      boolean inclusive = end.getKey().endsWith("e");
      boolean isUpper = end.getKey().startsWith("$l");
      // One end beyond the other would be an error to the map.
      if (part.isEmpty()) break;
      int beyond = ORDER.compare(end.getValue(), isUpper ? part.firstKey() : part.lastKey());
      if (isUpper ? beyond < 0 : beyond > 0) return new TreeMap<>(ORDER);
      int within = ORDER.compare(end.getValue(), isUpper ? part.lastKey() : part.firstKey());
      if (isUpper ? within > 0 : within < 0) continue;
      part = isUpper ? part.headMap(end.getValue(), inclusive) : part.tailMap(end.getValue(), inclusive);
    }
    return part;
  }

  @Override
  public Integer getPosition(Document document) {
    return null;
  }

  @Override
  public void checkAdd(Document document, MongoCollection<Integer> collection) {}

  @Override
  public void checkUpdate(Document before, Document after, MongoCollection<Integer> collection) {}

  @Override
  public long getCount() {
    return byId.size();
  }

  @Override
  public long getDataSize() {
    return 0;
  }

  @Override
  public void drop() {}
}
