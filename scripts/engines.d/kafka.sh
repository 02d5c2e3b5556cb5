# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# Apache Kafka in KRaft mode: one process that is broker and controller, from the artifacts of Maven Central that
# Kafka's own distribution consists of. The controller listens on the port above. Anyone on this machine may connect:
# it holds test data only.
engine_port=59092
engine_process=java
engine_user=fanfold-kafka
engine_stop_signal=TERM
engine_ready_limit_s=240

kafka_version=4.1.0
kafka_log4j=2.24.3 # as in the distribution
jars=$home/jars-$kafka_version
# The name of the cluster: any will do, but always the same, as the data bears it.
kafka_cluster=ZmFuZm9sZC10ZXN0LTAwMQ

engine_installed() { [[ -d $jars ]] && java_program >/dev/null; }

engine_install() {
  mkdir -p "$home"
  maven_fetch "$jars" "org.apache.kafka:kafka_2.13:$kafka_version" \
    "org.apache.logging.log4j:log4j-slf4j-impl:$kafka_log4j" "org.apache.logging.log4j:log4j-core:$kafka_log4j"
}

engine_start() {
  local java
  java=$(java_program)
  cat >server.properties <<EOT
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$home/data
num.partitions=1
default.replication.factor=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=16777216
EOT
  cat >log4j2.properties <<'EOT'
status=error
appender.stdout.type=Console
appender.stdout.name=stdout
appender.stdout.layout.type=PatternLayout
appender.stdout.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.stdout.ref=stdout
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
EOT
  as_owner "$java" -Xmx64m -XX:TieredStopAtLevel=1 -cp "$jars/*" \
    -Dlog4j2.configurationFile="$home/log4j2.properties" kafka.tools.StorageTool \
    format --ignore-formatted --cluster-id "$kafka_cluster" --config "$home/server.properties" >"$home/format.log" 2>&1
  spawn kafka "$java" -Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:MaxDirectMemorySize=128m \
    -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true -Dlog4j2.configurationFile="$home/log4j2.properties" \
    -cp "$jars/*" kafka.Kafka "$home/server.properties"
}

# Our process lives, says that it has started, and somebody listens on the port.
engine_ready() {
  [[ -n $(server_pids) ]] || return 1
  grep -q 'Kafka Server started' "$home/kafka.log" 2>/dev/null && is_port_open
}

engine_version() { echo "$kafka_version"; }

engine_url() { echo "kafka://127.0.0.1:$port"; }
