#!/usr/bin/env bash
# Scores for docs/results.md: methods on the published test lists, clean and with the eight degradations.
#
#   benchmarks/quality.sh DATA OUT [words for evaluate, by default --model nano-ivif and the baselines]
#
# DATA holds SET/vi and SET/ir; OUT gets a folder of results a set. Nothing here feeds back into training: test
# pairs are only measured.
set -euo pipefail
data=$1 out=$2
shift 2
[ $# -gt 0 ] || set -- --model nano-ivif --baseline max --baseline mean --baseline laplacian --baseline msx
for name in msrs roadscene tno; do
    distilfuse evaluate "$data/$name/vi" "$data/$name/ir" --set "$name" --split test --degrade all@3 -o "$out/$name" "$@"
done
