#!/usr/bin/env bash
# Every benchmark, each figure beside a limit measured in the same run. `bench/run.sh short` is a quick form.
# The figures belong into docs/benchmarks.md, with commit, machine and command.
set -euo pipefail
cd "$(dirname "$0")/.."
target="${CARGO_TARGET_DIR:-$PWD/target}"
short=()
if [ "${1:-}" = short ]; then short=(--short) objects=10000 many=20000 megabytes=64 records=200000; else objects=200000 many=1000000 megabytes=300 records=10000000; fi

venv="$target/bench-venv"
if [ ! -x "$venv/bin/gunicorn" ] || ! "$venv/bin/python" -c 'import duckdb, stix2matcher' 2>/dev/null; then
  python3 -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check medallion==3.0.0 opentaxii==0.9.3 gunicorn==23.0.0 duckdb==2.0.1 \
    stix2-matcher==3.0.0
fi
export YAGURA_OTHER_SERVERS="$venv" YAGURA_DUCKDB="$venv/bin/python" YAGURA_OASIS_MATCHER="$venv/bin/python"

# All of them are named each time: cargo would otherwise build what they stand on anew, with the features that one alone asks for;
# and benches are named, or it would link the unit tests as well. Everything is built before anything is measured.
bench() { cargo bench --locked --quiet -p matcher -p sigma -p lake -p query -p oprf -p vault -p policy -p store -p yagura "$@"; }
bench --no-run --bench scan --bench rules --bench hunt --bench sql --bench round --bench envelope --bench decision --bench ingest --bench log --bench service --bench scale --bench federation --bench fanout --bench room --bench act \
  --bench other_servers

printf 'commit %s\nmachine %s, %s cores, %s\n' "$(git rev-parse --short HEAD)" \
  "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -sr)"
printf '\n== match: one core, %s MB of EVE\n' "$megabytes"
scan=(bench --bench scan -- "${megabytes}000000" "${short[@]}")
if command -v taskset >/dev/null; then
  # The scanner alone has the last core; what this shell starts inherits it.
  (taskset -pc "$(($(nproc) - 1))" "$BASHPID" >/dev/null && "${scan[@]}")
else
  "${scan[@]}"
fi
printf '\n== hunt: a thousand indicators through %s records\n' "$records"
bench --bench hunt -- "$records"
printf '\n== the same questions as SQL\n'
bench --bench sql -- "$records"
printf '\n== Sigma: all rules of the collection over recorded logs\n'
bench --bench rules
printf '\n== private matching\n'
bench --bench round -- "${short[@]}"
printf '\n== sealed records\n'
bench --bench envelope
printf '\n== decisions\n'
bench --bench decision
printf '\n== store\n'
bench --bench ingest -- "$objects"
printf '\n== log of acts\n'
bench --bench log -- "$objects"
printf '\n== service\n'
bench --bench service
printf '\n== scale\n'
bench --bench scale -- "$many"
printf '\n== other TAXII servers\n'
bench --bench other_servers
printf '\n== federation: three hubs\n'
bench --bench federation
printf '\n== fan-out: one object to a thousand streams\n'
bench --bench fanout
printf '\n== case room: fifty people on three hubs\n'
if [ ${#short[@]} -gt 0 ]; then bench --bench room -- 18 10 10; else bench --bench room; fi
printf '\n== act: from an approval to the first packet that is dropped\n'
if [ ${#short[@]} -gt 0 ]; then bench --bench act -- 10; else bench --bench act; fi
