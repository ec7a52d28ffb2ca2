#!/bin/sh
# The figures of the standard library, the ready scripts and `jst test`, of a jst that is built already:
#
#   cargo build --release && benches/library.sh target/release/jst
#
# Each line says what was measured, and the goal. Times are of the clock on the wall, user of the processor.
set -eu

jst=$(realpath "${1:?which jst? for instance target/release/jst}")
root=$(realpath "$(dirname "$0")/..")
folder=$(mktemp -d)
sim=
trap 'kill $sim 2>/dev/null || true; rm -rf "$folder"' EXIT INT TERM
cd "$folder"

# Runs a command with its output thrown away: "<seconds> s, user <seconds> s, peak <MB> MB".
cost() {
    command time -f '%e %U %M' -o cost "$@" >/dev/null || { echo "it failed: $*"; return; }
    awk '{ printf "%.2f s, user %.2f s, peak %.0f MB", $1, $2, $3 / 1024 }' cost
}

# A simulator of its own with these arguments; calls go to it from now on.
serve() {
    [ -z "$sim" ] || kill "$sim"
    rm -f ready
    "$jst" sim --json --listen 127.0.0.1:0 "$@" >ready &
    sim=$!
    until [ -s ready ]; do sleep 0.1; done
    field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" ready; }
    export JST_ENDPOINT="$(field endpoint)" ALIBABA_CLOUD_ACCESS_KEY_ID="$(field access_key_id)"
    export ALIBABA_CLOUD_ACCESS_KEY_SECRET="$(field access_key_secret)"
}

# 500 tests, each of which waits for more than half an hour of its account.
{
    echo 'import "std/testing" as t;'
    for n in $(seq 500); do
        echo "fn test_$n() { for round in 0..20 { sleep(120); t::assert(list_app_environment(1001).Data.len() > 0); } }"
    done
} >waits_test.rhai
echo "500 tests that wait for 40 minutes each: $(cost "$jst" test waits_test.rhai); goal 5 s"
echo 'import "std/testing" as t; fn test_new() { for n in 0..1000 { t::world("demo"); } }' >new_test.rhai
echo "a fresh simulator, 1,000 times over: $(cost "$jst" test new_test.rhai); goal 2 s"

cat >rows.rhai <<'RHAI'
let rows = [];
for n in 0..100000 { rows.push(#{ Id: n, Type: `type ${(n * 7919) % 100}`, Size: (n * 104729) % 100003 }); }
let begun = timestamp();
let sorted = rows.sorted_by("Size");
let groups = sorted.group_by("Type");
print_rows(sorted);
log::info(`sorted, grouped and printed: ${decimals(begun.elapsed, 2)} s, ${groups.len()} groups`);
RHAI
for form in table json jsonl csv; do
    "$jst" --sim --output $form run rows.rhai 2>&1 >/dev/null | sed -n "s/.*\(sorted, .*\)/100,000 rows as $form, \1; goal 1 s/p"
done

serve --fleet apps=250,envs=4 --fault '*:latency:ms=20'
echo 'import "std/fleet" as fleet; print(fleet::each_environment(#{}, |env| ()));' >walk.rhai
echo "walking 1,000 environments at 20 ms a call: $(cost "$jst" run -q walk.rhai); goal 1 s"
for apps in 250 2500; do
    serve --fleet apps=$apps,envs=4
    echo "inventory of $((apps * 4)) environments: $(cost "$jst" run -q "$root/scripts/inventory.rhai"); goal 20 MB more for 10,000"
done
