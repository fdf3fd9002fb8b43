#!/usr/bin/env bash
# Scores for docs/results.md: methods on the published test lists, clean and with the eight degradations.
#
#   benchmarks/quality.sh DATA OUT [words for evaluate, by default our models for the set and the baselines]
#
# DATA holds SET/{vi,ir}, of medical sets SET/test/{a,b}; OUT gets a folder of results a set. Nothing here feeds back
# into training: test pairs are only measured.
set -euo pipefail
data=$1 out=$2
shift 2
baselines=(--baseline max --baseline mean --baseline laplacian --baseline msx)
ivif=("$@") medical=("$@")
[ $# -gt 0 ] || {
    ivif=(--model nano-l-ivif --model nano-ivif --model nano-s-ivif "${baselines[@]}")
    medical=(--model nano-medical --model nano-l-ivif "${baselines[@]}")
}

score() {  # SET VIS_DIR IR_DIR words...
    local name=$1
    [ -e "$out/$name/scores.csv" ] && return  # done by an earlier run
    distilfuse evaluate "$2" "$3" --set "$name" --degrade all@3 -o "$out/$name" "${@:4}"
}

for name in roadscene tno msrs; do
    score "$name" "$data/$name/vi" "$data/$name/ir" --split test "${ivif[@]}"
done
for name in ct-mri pet-mri spect-mri; do
    score "$name" "$data/$name/test/a" "$data/$name/test/b" "${medical[@]}"
done
