# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# PostgreSQL, from Debian's package. Anyone on this machine may connect: it holds test data only.
engine_port=55432
engine_process=postgres
engine_user=postgres
engine_stop_signal=INT # "fast": drops the sessions and shuts down cleanly

engine_installed() { [[ -n $(bin_folder) ]]; }

engine_install() {
  # The package would make a cluster of its own, to be started on port 5432 at the next boot.
  local config=/etc/postgresql-common/createcluster.conf
  if [[ $EUID == 0 && ! -e $config ]]; then
    mkdir -p "${config%/*}"
    echo 'create_main_cluster = false' >"$config"
  fi
  apt_install postgresql
}

engine_start() {
  local bin version data
  bin=$(bin_folder)
  version=$(engine_version)
  data=$home/data-${version%%.*} # another major version cannot read it
  if [[ ! -e $data ]]; then
    rm -rf "$data.new"
    as_owner "$bin/initdb" -D "$data.new" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
      >"$home/initdb.log" 2>&1 || fail "initdb failed"
    rm "$home/initdb.log"
    mv "$data.new" "$data"
  fi
  spawn postgres "$bin/postgres" -D "$data" \
    -c listen_addresses=127.0.0.1 \
    -c port="$port" \
    -c unix_socket_directories="$home" \
    -c max_connections=400 \
    -c shared_buffers=512MB \
    -c fsync=on \
    -c synchronous_commit=on
}

# Asks on the socket in our folder: another server could sit on the port.
engine_ready() { "$(bin_folder)/pg_isready" -q -h "$home" -p "$port" -t 2; }

engine_version() { "$(bin_folder)/postgres" --version | sed -E 's/^[^0-9]*([0-9.]+).*/\1/'; }

engine_url() { echo "postgres://postgres@127.0.0.1:$port/postgres"; }

# The folder of the first complete set of programs: that of PATH, else Debian's, newest first. May print nothing.
bin_folder() {
  local postgres folder
  postgres=$(type -P postgres || true)
  while read -r folder; do
    if [[ -x $folder/postgres && -x $folder/initdb && -x $folder/pg_isready ]]; then
      echo "$folder"
      return
    fi
  done < <(
    [[ -z $postgres ]] || dirname "$(readlink -f "$postgres")"
    printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV
  )
}
