#!/usr/bin/env bash
# The playground as one page: editors/playground/dist/playground.html. A `dcmc` that is built after it has it inside.
#
#   rustup target add wasm32-unknown-unknown     # once
#   scripts/build-playground.sh [MODULE.wasm]    # a module built elsewhere, in the place of building it
#
# Where the target cannot be had, the compiler's own sources will do (`rustup component add rust-src`, or Debian's
# `rustc-web rust-web-src` with RUSTC=/usr/bin/rustc): the standard library is built from them, which takes some minutes.
set -euo pipefail
[ -z "${1:-}" ] || set -- "$(realpath -m "$1")"
cd "$(dirname "$0")/../editors/playground"

target=wasm32-unknown-unknown
build() {
    local rustc=${RUSTC:-rustc} std=() sysroot linker
    sysroot=$("$rustc" --print sysroot)
    if [ ! -d "$("$rustc" --print target-libdir --target $target)" ]; then
        if [ ! -d "$sysroot/lib/rustlib/src/rust/library" ]; then
            echo "error: $rustc has no standard library for $target, and no sources of one." >&2
            echo "  Run \`rustup target add $target\` (or \`rustup component add rust-src\`), or give this script a module that" >&2
            echo "  was built elsewhere: cd editors/playground && cargo build --release --locked --target $target" >&2
            exit 2
        fi
        std=(-Z build-std=std,panic_abort)
        export RUSTC_BOOTSTRAP=1
    fi
    # Compilers of distributions come without the linker.
    if ! find "$sysroot/lib/rustlib" -name rust-lld | grep -q .; then
        linker=$(command -v wasm-ld || find "$(rustup run stable rustc --print sysroot 2>/dev/null)/lib/rustlib" -name rust-lld 2>/dev/null | head -1)
        [ -n "$linker" ] || { echo "error: there is no linker for $target: install lld" >&2; exit 2; }
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$linker
    fi
    cargo build --release --locked --target $target "${std[@]}"
}

module=${1:-}
if [ -z "$module" ]; then
    build
    module=${CARGO_TARGET_DIR:-target}/$target/release/dcmc_playground.wasm
elif [ ! -f "$module" ]; then
    echo "error: there is no file $module" >&2
    exit 2
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
