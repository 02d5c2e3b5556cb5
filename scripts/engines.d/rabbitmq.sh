# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# RabbitMQ, from Debian's package, without plugins. It listens on engine_port; the two ports above are Erlang's: for other
# nodes, and for epmd, which tells their ports. All on 127.0.0.1, beside any other RabbitMQ of this machine.
engine_port=55672
engine_process=beam.smp
engine_user=rabbitmq
engine_stop_signal=TERM # closes the queues and ends
engine_ready_limit_s=240

engine_installed() { [[ -x $(server_program) ]] && type -P epmd >/dev/null && type -P setpriv >/dev/null; }

engine_install() { apt_install rabbitmq-server; }

engine_start() {
  cat >"$home/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$port
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 32000000
log.connection.level = warning
CONF
  echo '[].' >"$home/enabled_plugins"
  # Exported, so that what spawn runs has them, however it gets there. A node at localhost needs no name of this machine.
  export RABBITMQ_NODENAME=fanfold@localhost
  export RABBITMQ_DIST_PORT=$((port + 1)) ERL_EPMD_PORT=$((port + 2)) ERL_EPMD_ADDRESS=127.0.0.1
  export RABBITMQ_MNESIA_BASE=$home/data RABBITMQ_LOG_BASE=$home RABBITMQ_LOGS=-
  export RABBITMQ_CONFIG_FILE=$home/rabbitmq.conf RABBITMQ_ADVANCED_CONFIG_FILE=$home/advanced.config
  export RABBITMQ_CONF_ENV_FILE=$home/none RABBITMQ_ENABLED_PLUGINS_FILE=$home/enabled_plugins
  export RABBITMQ_PLUGINS_EXPAND_DIR=$home/plugins RABBITMQ_PID_FILE=$home/data/pid
  export RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS="+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
  # Its script then becomes the server instead of waiting for it.
  export RUNNING_UNDER_SYSTEMD=true
  # epmd ends with the server, however that ends. Were it missing, Erlang would leave one of its own behind.
  # shellcheck disable=SC2016 # for the inner shell
  spawn rabbitmq env "HOME=$home" bash -c '
    setpriv --pdeathsig KILL epmd -port "$ERL_EPMD_PORT" -address 127.0.0.1 &
    until (: </dev/tcp/127.0.0.1/"$ERL_EPMD_PORT") 2>/dev/null || ! kill -0 "$!"; do sleep 0.05; done
    exec "$0"' "$(server_program)"
}

# It listens when all else is started. (Of what it logs then, lines can get lost where there are many.)
engine_ready() {
  [[ -n $(server_pids) ]] || return 1
  timeout 5 bash -c '
    exec 3<>"/dev/tcp/127.0.0.1/$0"
    printf "AMQP\0\0\11\1" >&3
    [[ $(head -c 64 <&3 | tr -d "\0") == *capabilities* ]]' "$port" 2>/dev/null
}

engine_version() { dpkg-query --show --showformat='${Version}' rabbitmq-server 2>/dev/null | sed -E 's/[^0-9.].*//'; }

engine_url() { echo "amqp://guest:guest@127.0.0.1:$port/"; }

# The script of the server itself: the one in Debian's PATH runs it as another user in another folder. May print nothing.
server_program() {
  local program
  for program in /usr/lib/rabbitmq/bin/rabbitmq-server "$(type -P rabbitmq-server || true)"; do
    if [[ -x $program ]]; then
      echo "$program"
      return
    fi
  done
}
