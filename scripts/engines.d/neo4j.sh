# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# Neo4j Community, from Maven Central: the jars of the distribution, started as its script does. The password is known to
# everybody, as it holds test data only; there is one so that tests can use a wrong one.
engine_port=57687
engine_process=java
engine_user=fanfold-neo4j
engine_stop_signal=TERM # writes a checkpoint and ends
engine_ready_limit_s=240

neo4j_version=5.26.30
neo4j_password=fanfold-test
jars=$home/jars-$neo4j_version
java_opens=(
  --add-opens=java.base/java.lang=ALL-UNNAMED
  --add-opens=java.base/java.nio=ALL-UNNAMED
  --add-opens=java.base/java.io=ALL-UNNAMED
  --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
)

engine_installed() { [[ -d $jars ]] && java_program >/dev/null; }

engine_install() {
  maven_fetch "$jars" "org.neo4j:neo4j:$neo4j_version" "org.neo4j.app:neo4j-server:$neo4j_version"
}

engine_start() {
  local java
  java=$(java_program)
  mkdir -p "$home/conf"
  # Small files of the transaction log, as the graphs of tests are small; and nothing is told to anybody.
  cat >"$home/conf/neo4j.conf" <<EOT
server.default_listen_address=127.0.0.1
server.bolt.listen_address=127.0.0.1:$port
server.bolt.advertised_address=127.0.0.1:$port
server.http.enabled=false
server.https.enabled=false
dbms.usage_report.enabled=false
server.memory.heap.initial_size=256m
server.memory.heap.max_size=512m
server.memory.pagecache.size=128m
db.tx_log.preallocate=false
db.tx_log.rotation.size=16m
db.tx_log.rotation.retention_policy=64m size
EOT
  if [[ ! -e $home/data/databases/system ]]; then
    mkdir -p "$home/data"
    ((EUID != 0)) || chown -R "$engine_user:" "$home/data"
    as_owner env NEO4J_HOME="$home" NEO4J_CONF="$home/conf" "$java" "${java_opens[@]}" -Xmx64m -XX:+UseSerialGC \
      -cp "$jars/*" org.neo4j.cli.AdminTool dbms set-initial-password "$neo4j_password" >"$home/password.log" 2>&1 ||
      fail "the password could not be set"
  fi
  spawn neo4j "$java" -Xms256m -Xmx512m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -XX:-OmitStackTraceInFastThrow \
    -XX:MaxDirectMemorySize=256m -Dfile.encoding=UTF-8 -Dio.netty.tryReflectionSetAccessible=true \
    -Dlog4j2.disable.jmx=true "${java_opens[@]}" \
    -cp "$jars/*" org.neo4j.server.CommunityEntryPoint "--home-dir=$home" "--config-dir=$home/conf" --console-mode
}

# Our process lives, and what answers on the port speaks Bolt: it chooses one of the versions it is offered.
engine_ready() {
  [[ -n $(server_pids) ]] || return 1
  [[ $(timeout 2 bash -c "
    exec 3<>/dev/tcp/127.0.0.1/$port
    printf '\x60\x60\xb0\x17\x00\x04\x04\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00' >&3
    head -c 4 <&3 | od -An -tx1" 2>/dev/null) == *05 ]]
}

engine_version() { echo "$neo4j_version"; }

engine_url() { echo "neo4j://neo4j:$neo4j_password@127.0.0.1:$port"; }
