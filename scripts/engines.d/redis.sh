# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# Redis, from Debian's package. Anyone on this machine may connect: it holds test data only.
engine_port=56379
engine_process=redis-server
engine_user=redis
engine_stop_signal=TERM # saves what is owed to the disk and ends

engine_installed() { type -P redis-server >/dev/null && type -P redis-cli >/dev/null; }

engine_install() { apt_install redis-server; }

engine_start() {
  spawn redis redis-server \
    --port "$port" \
    --bind 127.0.0.1 \
    --protected-mode yes \
    --unixsocket "$home/redis.sock" \
    --dir "$home" \
    --daemonize no \
    --save '' \
    --appendonly yes \
    --appendfsync everysec \
    --maxmemory-policy noeviction
}

# Asks on the socket in our folder: another server could sit on the port.
engine_ready() { [[ $(timeout 2 redis-cli -s "$home/redis.sock" ping 2>/dev/null) == PONG ]]; }

engine_version() { redis-server --version | sed -E 's/.*v=([0-9.]+).*/\1/'; }

engine_url() { echo "redis://127.0.0.1:$port/0"; }
