#!/usr/bin/env bash
# Make this checkout ready to use: system packages where they are missing, then .venv from the lock.
# `scripts/setup.sh tests` also installs what only the tests need: a RISC-V compiler and emulator, g++, clang.
# Safe to run again: a second run finds its stamp and returns at once.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$1"; [ $# -lt 2 ] || say "try: $2"; exit 1; }

# --- system packages ---------------------------------------------------------------------------
packages=()
need() { # need PACKAGE COMMAND...: PACKAGE is missing when COMMAND fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || packages+=("$package")
}
newlib() { [ "$(arm-none-eabi-gcc -print-file-name=nano.specs 2>/dev/null)" != nano.specs ] && command -v arm-none-eabi-gcc; }
picolibc() { echo '#include <string.h>' | riscv64-unknown-elf-gcc --specs=picolibc.specs -march=rv32imc -mabi=ilp32 -xc -E -; }
headers() { echo '#include <stdint.h>' | gcc -xc -E - && echo '#include <string.h>' | gcc -xc -E -; }

need gcc command -v gcc
need libc6-dev headers
need gcc-arm-none-eabi command -v arm-none-eabi-gcc
need libnewlib-arm-none-eabi newlib
need qemu-system-arm command -v qemu-system-arm
need flite command -v flite
if [ "${1:-}" = tests ]; then
    need gcc-riscv64-unknown-elf command -v riscv64-unknown-elf-gcc
    need picolibc-riscv64-unknown-elf picolibc
    need qemu-system-misc command -v qemu-system-riscv32
    need g++ command -v g++
    need clang command -v clang
fi

# The interpreter: the first that the lock covers.
python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || command -v python3 >/dev/null || packages+=(python3)
"${python:-python3}" -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)

if [ ${#packages[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || die "missing: ${packages[*]} (Debian's names)" \
        "install them with this system's package manager, then run make setup again"
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "missing: ${packages[*]}; no sudo to install them" \
            "as root: apt-get install -y --no-install-recommends ${packages[*]}"
        as_root=(sudo)
    fi
    say "installing ${packages[*]}"
    apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=900)
    "${apt[@]}" update >&2
    "${apt[@]}" install -y --no-install-recommends "${packages[@]}" >&2
fi

if [ -z "$python" ]; then # only now can there be one
    python=python3
    "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' ||
        die "needs Python 3.11, 3.12 or 3.13; python3 is $("$python" -V 2>&1)" "PYTHON=/path/to/python3.12 make setup"
fi

# --- Python packages ---------------------------------------------------------------------------
stamp=.venv/.tinykit-setup
wanted=$(cat requirements.lock pyproject.toml scripts/setup.sh | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c 'import tinykit' 2>/dev/null; then
    exit 0
fi
say "installing the locked Python packages into .venv (about 2 GB with TensorFlow)"
.venv/bin/python -c '' 2>/dev/null || "$python" -m venv --clear .venv
pip=(.venv/bin/python -m pip --quiet --disable-pip-version-check install)
"${pip[@]}" --require-hashes -r requirements.lock
"${pip[@]}" --no-deps --no-build-isolation -e .
printf '%s\n' "$wanted" >"$stamp"
say "ready: .venv/bin/tinykit doctor"
