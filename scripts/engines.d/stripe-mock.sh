# shellcheck shell=bash disable=SC2034,SC2154  # the frame, scripts/engines, reads and sets these
# stripe-mock, Stripe's own mock server: it checks each request against the published API and answers with fixtures. It is
# a Go module without a Debian package, so it is built into a folder of this engine. Debian 12's Go is too old to build it,
# but can get the newer Go that can, checked against Go's checksum database; it is thrown away afterwards.
engine_port=52111
engine_process=stripe-mock
engine_user=stripe-mock
engine_stop_signal=TERM

stripe_mock_version=v0.203.0
stripe_mock_go=1.22.12 # the module asks for 1.22.1 at least
program=$home/bin-$stripe_mock_version/stripe-mock

engine_installed() { [[ -x $program ]]; }

engine_install() {
  local go build
  go=$(newer_go || true)
  if [[ -z $go ]] && ! type -P go >/dev/null; then apt_install golang-go ca-certificates; fi
  say "$name: building $stripe_mock_version"
  mkdir -p "$home"
  build=$home/build
  rm -rf "$build"
  mkdir "$build"
  if [[ -z $go ]]; then go=$(download_go "$build"); fi
  in_build "$build" "$go" install "github.com/stripe/stripe-mock@$stripe_mock_version" ||
    die "$name: could not be built"
  mkdir -p "${program%/*}"
  mv "$build/bin/stripe-mock" "$program"
  rm -rf "$build"
}

# The Go of PATH, if it is new enough.
newer_go() {
  local go version
  go=$(type -P go) || return 1
  version=$("$go" env GOVERSION)
  [[ $(printf '%s\n' 1.22.1 "${version#go}" | sort -V | head -n 1) == 1.22.1 ]] && echo "$go"
}

# Go as a module of Go: what Go since 1.21 does by itself when a module asks for a newer one.
download_go() {
  local build=$1 folder arch
  arch=$(go env GOARCH)
  in_build "$build" go mod download "golang.org/toolchain@v0.0.1-go$stripe_mock_go.linux-$arch" ||
    die "$name: Go $stripe_mock_go could not be downloaded"
  folder=$build/pkg/mod/golang.org/toolchain@v0.0.1-go$stripe_mock_go.linux-$arch
  chmod +x "$folder"/bin/* "$folder"/pkg/tool/*/* # modules have no such bits
  echo "$folder/bin/go"
}

# Runs Go with all it keeps in a folder; outside of any module.
in_build() {
  local build=$1
  shift
  (
    cd "$build" || return
    env -u GOROOT HOME="$build" GOPATH="$build" GOCACHE="$build/cache" GOBIN="$build/bin" GOTOOLCHAIN=local \
      GOFLAGS=-modcacherw CGO_ENABLED=0 "$@" >&2
  )
}

# HTTPS can't be switched off beside an address for HTTP, so it goes to a socket instead of a port that others may see.
engine_start() {
  rm -f "$home/https.sock"
  spawn stripe-mock "$program" -http-addr "127.0.0.1:$port" -https-unix "$home/https.sock"
}

# Our process lives, and what answers on the port is a stripe-mock.
engine_ready() {
  [[ -n $(server_pids) ]] || return 1
  timeout 2 bash -c "
    exec 3<>/dev/tcp/127.0.0.1/$port
    printf 'GET / HTTP/1.0\r\n\r\n' >&3
    grep -q '^Stripe-Mock-Version:' <&3" 2>/dev/null
}

engine_version() { echo "${stripe_mock_version#v}"; }

engine_url() { echo "http://127.0.0.1:$port"; }
