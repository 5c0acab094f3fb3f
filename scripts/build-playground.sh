#!/usr/bin/env bash
# The playground as one page: editors/playground/dist/playground.html. A `dcmc` that is built after it has it inside.
#
#   rustup target add wasm32-unknown-unknown     # once
#   scripts/build-playground.sh [MODULE.wasm]    # a module built elsewhere, in the place of building it
set -euo pipefail
cd "$(dirname "$0")/../editors/playground"

module=${1:-}
if [ -z "$module" ]; then
    cargo build --release --locked --target wasm32-unknown-unknown
    module=target/wasm32-unknown-unknown/release/dcmc_playground.wasm
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Smaller by a tenth, where binaryen is installed.
if command -v wasm-opt >/dev/null; then
    wasm-opt -Os --enable-bulk-memory --enable-sign-ext --enable-mutable-globals --enable-nontrapping-float-to-int \
        --enable-multivalue --enable-reference-types -o "$work/module.wasm" "$module"
else
    cp "$module" "$work/module.wasm"
fi
gzip -9 -n -c "$work/module.wasm" | base64 -w 0 >"$work/wasm"
cat ../../src/render/page.css ../../src/render/svg.css ../../src/identification/page.css page/style.css >"$work/style"
cat page/link.js page/editor.js page/show.js page/thinker.js page/app.js >"$work/script"

# The page runs no script but its own: the browser compares it with this digest, newlines around it included.
{ echo; cat "$work/script"; } | sha256sum | cut -d ' ' -f 1 | sed 's/../\\x&/g' >"$work/digest"
hash=$(printf '%b' "$(cat "$work/digest")" | base64 -w 0)

sed -e "s|@SCRIPT_HASH@|$hash|" \
    -e "/^@STYLE@$/{r $work/style
d}" -e "/^@WASM@$/{r $work/wasm
d}" -e "/^@WORKER@$/{r page/worker.js
d}" -e "/^@SCRIPT@$/{r $work/script
d}" page/index.html >"$work/page"
mkdir -p dist
mv "$work/page" dist/playground.html
echo "editors/playground/dist/playground.html: $(wc -c <dist/playground.html) bytes, $(gzip -9 -c dist/playground.html | wc -c) compressed"
