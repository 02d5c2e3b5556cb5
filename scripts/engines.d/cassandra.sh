# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# Apache Cassandra: a ring of three nodes on 127.0.0.1, .2 and .3, from Maven Central, on the machine's Java. They share
# engine_port, each on its own address, and talk to each other on the port above.
engine_port=59042
engine_process=java
engine_user=fanfold-cassandra
engine_stop_signal=TERM # drains the node and ends
engine_ready_limit_s=240

cassandra_release=5.0.2
cassandra_nodes=(1 2 3)
# Of three equal parts of the ring. Given, so that a fresh ring needs no waiting for one node to join after the other.
cassandra_tokens=(-9223372036854775808 -3074457345618258603 3074457345618258602)

jars_folder() { echo "$engines_dir/jars/cassandra-$cassandra_release"; }

engine_installed() { [[ -d $(jars_folder) ]] && java_program >/dev/null; }

engine_install() { maven_fetch "$(jars_folder)" "org.apache.cassandra:cassandra-all:$cassandra_release"; }

engine_start() {
  local number
  for number in "${cassandra_nodes[@]}"; do
    mkdir -p "$home/node-$number/tmp"
    write_config "$number"
    ((EUID != 0)) || chown -R "$engine_user:" "$home/node-$number"
    start_node "$number"
  done
}

# The flags for Java 17 are those of the distribution's jvm17-server.options.
start_node() {
  local number=$1 folder=$home/node-$1 jars
  jars=$(jars_folder)
  local agent=("$jars"/jamm-*.jar)
  spawn "node-$number" "$(java_program)" \
    -Xms256m -Xmx512m -Xss512k -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxDirectMemorySize=128m -XX:+ExitOnOutOfMemoryError \
    -XX:+PerfDisableSharedMem \
    -javaagent:"${agent[0]}" \
    -Djdk.attach.allowAttachSelf=true \
    --add-exports=java.base/jdk.internal.misc=ALL-UNNAMED \
    --add-exports=java.base/jdk.internal.ref=ALL-UNNAMED \
    --add-exports=java.base/java.lang.ref=ALL-UNNAMED \
    --add-exports=java.management.rmi/com.sun.jmx.remote.internal.rmi=ALL-UNNAMED \
    --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED \
    --add-exports=java.rmi/sun.rmi.server=ALL-UNNAMED \
    --add-exports=java.sql/java.sql=ALL-UNNAMED \
    --add-exports=jdk.attach/sun.tools.attach=ALL-UNNAMED \
    --add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED \
    --add-opens=java.base/java.io=ALL-UNNAMED \
    --add-opens=java.base/java.lang=ALL-UNNAMED \
    --add-opens=java.base/java.lang.module=ALL-UNNAMED \
    --add-opens=java.base/java.lang.reflect=ALL-UNNAMED \
    --add-opens=java.base/java.nio=ALL-UNNAMED \
    --add-opens=java.base/java.util=ALL-UNNAMED \
    --add-opens=java.base/java.util.concurrent=ALL-UNNAMED \
    --add-opens=java.base/jdk.internal.loader=ALL-UNNAMED \
    --add-opens=java.base/jdk.internal.math=ALL-UNNAMED \
    --add-opens=java.base/jdk.internal.module=ALL-UNNAMED \
    --add-opens=java.base/jdk.internal.ref=ALL-UNNAMED \
    --add-opens=java.base/jdk.internal.reflect=ALL-UNNAMED \
    --add-opens=java.base/jdk.internal.util.jar=ALL-UNNAMED \
    --add-opens=java.base/sun.nio.ch=ALL-UNNAMED \
    --add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED \
    -Dio.netty.tryReflectionSetAccessible=true \
    -Djava.io.tmpdir="$folder/tmp" \
    -Dlogback.configurationFile="$folder/logback.xml" \
    -Dcassandra.config="file://$folder/cassandra.yaml" \
    -Dcassandra.storagedir="$folder" \
    -Dcassandra.gossip_settle_min_wait_ms=2000 \
    -Dcassandra.system_auth.default_rf=${#cassandra_nodes[@]} \
    -Dcassandra.superuser_setup_delay_ms=1000 \
    -Dcassandra-foreground=yes \
    -cp "$jars/*" \
    org.apache.cassandra.service.CassandraDaemon
}

# What is not here has its default. Small caches: three nodes share this machine with other servers.
write_config() {
  local number=$1 folder=$home/node-$1
  cat >"$folder/cassandra.yaml" <<EOT
cluster_name: fanfold-tests
num_tokens: 1
initial_token: ${cassandra_tokens[number - 1]}
auto_bootstrap: false
# The user cassandra with the password cassandra, so that the tests can also be refused.
authenticator: PasswordAuthenticator
role_manager: CassandraRoleManager
partitioner: org.apache.cassandra.dht.Murmur3Partitioner
endpoint_snitch: SimpleSnitch
seed_provider:
  - class_name: org.apache.cassandra.locator.SimpleSeedProvider
    parameters:
      - seeds: "127.0.0.1,127.0.0.2,127.0.0.3"
listen_address: 127.0.0.$number
rpc_address: 127.0.0.$number
native_transport_port: $port
storage_port: $((port + 1))
data_file_directories: [$folder/data]
commitlog_directory: $folder/commitlog
saved_caches_directory: $folder/saved_caches
hints_directory: $folder/hints
cdc_raw_directory: $folder/cdc_raw
# A write is confirmed when it is on the disk.
commitlog_sync: group
commitlog_sync_group_window: 5ms
commitlog_segment_size: 16MiB
commitlog_total_space: 256MiB
commitlog_disk_access_mode: legacy
# Rounds of a compare-and-set: two instead of four.
paxos_variant: v2
# Longer than the defaults: in tests many servers share few cores.
read_request_timeout: 10s
range_request_timeout: 20s
write_request_timeout: 10s
cas_contention_timeout: 5s
concurrent_reads: 16
concurrent_writes: 64
concurrent_compactors: 1
compaction_throughput: 32MiB/s
memtable_heap_space: 96MiB
memtable_offheap_space: 64MiB
memtable_allocation_type: heap_buffers
file_cache_size: 32MiB
networking_cache_size: 16MiB
key_cache_size: 8MiB
counter_cache_size: 0MiB
auto_snapshot: false
hinted_handoff_enabled: true
EOT
  cat >"$folder/logback.xml" <<'EOT'
<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="STDOUT"/></root>
</configuration>
EOT
}

# Each node must have opened its port by what it says in our folder: another server could sit on the port. The user is
# made shortly after the first start.
engine_ready() {
  local number
  for number in "${cassandra_nodes[@]}"; do
    grep -q 'Starting listening for CQL clients' "$home/node-$number.log" 2>/dev/null || return 1
    timeout 2 bash -c ": </dev/tcp/127.0.0.$number/$port" 2>/dev/null || return 1
  done
  if [[ ! -e $home/has-user ]]; then
    grep -q "Created default superuser role 'cassandra'" "$home"/node-?.log || return 1
    touch "$home/has-user"
  fi
}

engine_version() { echo "$cassandra_release"; }

engine_url() {
  echo "cassandra://cassandra:cassandra@127.0.0.1:$port,127.0.0.2:$port,127.0.0.3:$port/fanfold"
}
