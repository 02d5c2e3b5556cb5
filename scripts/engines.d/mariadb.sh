# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# MariaDB, from Debian's package. root needs no password on this machine, for it holds test data only; the user fanfold has
# one, "fanfold", so that tests can also know a wrong one.
engine_port=53306
engine_process=mariadbd
engine_user=mysql
engine_stop_signal=TERM # writes what is owed to the data files and ends

engine_installed() {
  [[ -n $(server_program) ]] && type -P mariadb-install-db >/dev/null && type -P mariadb-admin >/dev/null
}

engine_install() { apt_install mariadb-server; }

engine_start() {
  local version data
  version=$(engine_version)
  data=$home/data-${version%.*} # an older version cannot read it
  if [[ ! -e $data ]]; then
    rm -rf "$data.new"
    as_owner mariadb-install-db --no-defaults --datadir="$data.new" --skip-test-db \
      --auth-root-authentication-method=normal >"$home/install.log" 2>&1 || fail "mariadb-install-db failed"
    rm "$home/install.log"
    mv "$data.new" "$data"
  fi
  # Run at each start; one statement a line.
  cat >"$home/users.sql" <<'SQL'
create user if not exists 'root'@'127.0.0.1';
grant all privileges on *.* to 'root'@'127.0.0.1' with grant option;
create user if not exists 'fanfold'@'127.0.0.1' identified by 'fanfold';
grant all privileges on *.* to 'fanfold'@'127.0.0.1';
SQL
  spawn mariadbd "$(server_program)" --no-defaults \
    --datadir="$data" \
    --bind-address=127.0.0.1 \
    --port="$port" \
    --socket="$home/mariadb.sock" \
    --pid-file="$home/server-pid" \
    --init-file="$home/users.sql" \
    --skip-name-resolve \
    --skip-log-bin \
    --max-connections=300 \
    --max-allowed-packet=64M \
    --innodb-buffer-pool-size=256M \
    --innodb-log-file-size=256M \
    --innodb-flush-log-at-trx-commit=1 \
    --performance-schema=off
}

# Asks on the socket in our folder: another server could sit on the port.
engine_ready() {
  timeout 3 mariadb-admin --no-defaults --socket="$home/mariadb.sock" --user=root --silent ping >/dev/null 2>&1
}

engine_version() { "$(server_program)" --no-defaults --version | sed -E 's/.*Ver ([0-9.]+).*/\1/'; }

engine_url() { echo "mysql://root@127.0.0.1:$port/mysql"; }

# Debian's folder of servers is not in everybody's PATH. May print nothing.
server_program() { PATH=$PATH:/usr/sbin type -P mariadbd || true; }
