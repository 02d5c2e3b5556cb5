# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# Redis Cluster: three masters without replicas, from Debian's package, on engine_port and the two ports above. They talk
# to each other on ports 5,000 above: the default, 10,000 above, would be none.
engine_port=57001
engine_process=redis-server
engine_user=redis
engine_stop_signal=TERM # saves what is owed to the disk and ends

engine_installed() { type -P redis-server >/dev/null && type -P redis-cli >/dev/null; }

engine_install() { apt_install redis-server; }

engine_start() {
  local node
  for node in 0 1 2; do
    mkdir -p "$home/node-$node"
    ((EUID != 0)) || chown "$engine_user:" "$home/node-$node"
    spawn "node-$node" redis-server \
      --port "$((port + node))" \
      --bind 127.0.0.1 \
      --protected-mode yes \
      --unixsocket "$home/node-$node.sock" \
      --cluster-enabled yes \
      --cluster-port "$((port + 5000 + node))" \
      --cluster-config-file nodes.conf \
      --cluster-node-timeout 5000 \
      --save '' \
      --appendonly yes \
      --appendfsync everysec \
      --maxmemory-policy noeviction \
      --dir "$home/node-$node"
  done
}

# Ready when every node sees all slots served. A node on its own waits to be joined; that is done once, here, as it needs
# all nodes up.
engine_ready() {
  local node
  for node in 0 1 2; do
    [[ $(ask "$node" ping) == PONG ]] || return 1
  done
  if [[ $(ask 0 cluster info) == *cluster_known_nodes:1[!0-9]* ]]; then
    local addresses=()
    for node in 0 1 2; do addresses+=("127.0.0.1:$((port + node))@$((port + 5000 + node))"); done
    timeout 30 redis-cli --cluster create "${addresses[@]}" --cluster-yes >"$home/create.log" 2>&1 || return 1
  fi
  for node in 0 1 2; do
    [[ $(ask "$node" cluster info) == *cluster_state:ok* ]] || return 1
  done
}

# Asks on the socket in our folder: another server could sit on the port.
ask() { timeout 2 redis-cli -s "$home/node-$1.sock" "${@:2}" 2>/dev/null || true; }

engine_version() { redis-server --version | sed -E 's/.*v=([0-9.]+).*/\1/'; }

engine_url() { echo "redis-cluster://127.0.0.1:$port,127.0.0.1:$((port + 1)),127.0.0.1:$((port + 2))"; }
