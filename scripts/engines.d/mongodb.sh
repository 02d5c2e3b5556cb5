# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# A server that speaks MongoDB's protocol: mongo-java-server from Maven Central, in a frame of ours (mongodb/*.java says
# what it adds), which is compiled on the spot by ecj, as a JRE has no compiler. MongoDB itself is in no registry that
# CI reaches; FerretDB 1.24 is, but loses updates of one document that come at the same time (20 of 500 increments were
# left). Anyone on this machine may connect: it holds test data only.
engine_port=57017
engine_process=java
engine_user=mongodb
engine_stop_signal=TERM
engine_ready_limit_s=240 # on two cores that start everything at once

mongodb_version=1.47.0
mongodb_sources=$here/engines.d/mongodb
libraries=$home/jars-$mongodb_version
# Another one when the frame changes.
classes=$home/classes-$mongodb_version-$(cat "$mongodb_sources"/*.java | sha256sum | cut -c 1-12)

engine_installed() { java_program >/dev/null && [[ -d $libraries && -d $classes ]]; }

engine_install() {
  mkdir -p "$home"
  if [[ ! -d $libraries ]] || ! java_program >/dev/null; then
    maven_fetch "$libraries" "de.bwaldvogel:mongo-java-server:$mongodb_version" org.slf4j:slf4j-nop:2.0.17 \
      org.eclipse.jdt:ecj:3.33.0
  fi
  say "$name: compiling its frame"
  rm -rf "$home"/classes-*
  "$(java_program)" -jar "$libraries"/ecj-3.33.0.jar --release 17 -nowarn -cp "$(jars)" -d "$classes.build" \
    "$mongodb_sources"/*.java >&2 || die "$name: its frame could not be compiled"
  mv "$classes.build" "$classes"
}

jars() { printf '%s:' "$libraries"/*.jar; }

engine_start() {
  spawn mongodb "$(java_program)" -Xms64m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$classes:$(jars)" \
    Server 127.0.0.1 "$port" "$home/journal.bson"
}

# Our process lives, and something listens: the port was free before.
engine_ready() { [[ -n $(server_pids) ]] && is_port_open; }

engine_version() { echo "$mongodb_version"; }

engine_url() { echo "mongodb://127.0.0.1:$port/"; }
