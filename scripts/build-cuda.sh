#!/usr/bin/env bash
# Builds one dcmc that computes on the CPU and, where NVIDIA's driver is, on its GPUs. Needs no GPU and no CUDA
# installation: the compiler comes from PyPI. CUDA's libraries are opened when they are asked for, so the program also
# starts where there are none.
#
#   scripts/build-cuda.sh [FOLDER]      # the program is FOLDER/dcmc (default: target/cuda)
#
# DCMC_COMPUTE_CAP: the oldest GPUs to serve, as 80 for A100, 89 for L4 and RTX 40, 90 for H100 and H200 (default 80).
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
out=${1:-$root/target/cuda}
mkdir -p "$out"
out=$(cd "$out" && pwd)
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
candle=$(sed -n 's/^candle-core = { version = "=\([0-9.]*\)".*/\1/p' Cargo.toml)

# 1. NVIDIA's compiler. Its version decides which drivers can read the kernels: CUDA 13.0 needs driver 580 or newer.
if [ ! -x "$out/venv/bin/python" ]; then
    python3 -m venv "$out/venv"
fi
"$out/venv/bin/pip" install --quiet nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 \
    nvidia-cuda-cccl==13.0.85 nvidia-cuda-runtime==13.0.96
CUDA_HOME=$(echo "$out"/venv/lib/python3*/site-packages/nvidia/cu13)
export CUDA_HOME CUDA_PATH=$CUDA_HOME NVCC=$CUDA_HOME/bin/nvcc PATH=$CUDA_HOME/bin:$PATH
export CUDA_COMPUTE_CAP=${DCMC_COMPUTE_CAP:-80} CUDARC_CUDA_VERSION=13000 CUDAFORGE_THREADS=${CUDAFORGE_THREADS:-2}

# 2. Candle with its libraries opened at run time instead of linked, and without its quantised kernels, which nothing here
#    calls and which are most of the compiler's work and of the program's size.
cargo fetch --locked
registry=$(dirname "$(cargo metadata --format-version 1 --features cuda |
    grep -o '"manifest_path":"[^"]*/candle-core-'"$candle"'/Cargo.toml"' | head -1 | cut -d'"' -f4 | xargs dirname)")
for crate in candle-core candle-kernels; do
    rm -rf "${out:?}/$crate"
    cp -r "$registry/$crate-$candle" "$out/$crate"
    rm -f "$out/$crate/.cargo-ok"
done
sed -i 's/"dynamic-linking"/"dynamic-loading"/' "$out/candle-core/Cargo.toml"
kernels=$out/candle-kernels
{
    echo '//! Kernels that are not in this build.'
    grep -oE 'pub fn [A-Za-z0-9_]+' "$kernels/src/ffi.rs" | awk '{print $3}' | sort -u | while read -r name; do
        echo "#[unsafe(no_mangle)] pub extern \"C\" fn $name() { panic!(\"the CUDA kernel $name is not in this build\") }"
    done
} >"$kernels/src/stub.rs"
echo 'mod stub;' >>"$kernels/src/lib.rs"
# The build script ends before it compiles the kernels that are linked rather than opened.
python3 - "$kernels/build.rs" <<'PY'
import sys
path = sys.argv[1]
text = open(path).read()
start = text.index('    let mut moe_sources')
text = text[:start] + '    Ok(())\n}\n'
open(path, 'w').write(text.replace('const CUTILE_FEATURE: &str = "CARGO_FEATURE_CUTILE";\n', ''))
PY

# 3. The program, from a copy of the sources: the patched crates change Cargo.lock.
rm -rf "$out/source"
mkdir -p "$out/source"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$out/source"
(
    cd "$out/source"
    cargo build --release --features cuda --bin dcmc \
        --config "patch.crates-io.candle-core.path='$out/candle-core'" \
        --config "patch.crates-io.candle-kernels.path='$out/candle-kernels'"
)
cp "$CARGO_TARGET_DIR/release/dcmc" "$out/dcmc"
strip "$out/dcmc"
ls -l "$out/dcmc"
"$out/dcmc" doctor
