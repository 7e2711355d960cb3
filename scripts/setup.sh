# Shared by the scripts beside it, which source it: system packages, .venv, and a build of the kernels that is fresh.
# POSIX sh. Installs only through the system's package manager and pip.

set -eu
cd "$(dirname "$0")/.."

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
die() { printf 'tidegate: %s\n' "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

may_install() {
    command -v apt-get >/dev/null 2>&1 || return 1
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; }
}

# Prints the first interpreter that is new enough and can make a venv and compile extensions, or nothing.
usable_python() {
    for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
        if "$candidate" - <<'PY' 2>/dev/null; then
import ensurepip, os, sys, sysconfig, venv
ok = sys.version_info >= (3, 11) and os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h"))
sys.exit(not ok)
PY
            echo "$candidate"
            return
        fi
    done
}

re2_links() {
    command -v c++ >/dev/null 2>&1 || return 1
    printf '#include <re2/set.h>\nint main() { RE2::Options o; RE2::Set s(o, RE2::UNANCHORED); return 0; }\n' |
        c++ -std=c++17 -x c++ - -lre2 -o /dev/null 2>/dev/null
}

# system_packages NAME...: what is missing of our own needs, and the packages NAME, each given as command:package.
system_packages() {
    missing=''
    [ -n "$(usable_python)" ] || missing="$missing python3 python3-venv python3-dev"
    command -v c++ >/dev/null 2>&1 && command -v cc >/dev/null 2>&1 || missing="$missing gcc g++ libc6-dev"
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair#*:}"
    done
    optional=''
    re2_links || optional='libre2-dev'
    [ -n "$missing$optional" ] || return 0
    if may_install; then
        say "installing system packages:$missing $optional"
        as_root apt-get update -qq
        # Progress of long installs goes to the screen; questions are never asked.
        # shellcheck disable=SC2086
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            $missing $optional ca-certificates >&2
    elif [ -n "$missing" ]; then
        die "missing system packages; as root run: apt-get install$missing $optional"
    else
        say "libre2-dev is not installed and this user cannot install it: building with pyre2 in its place"
    fi
    [ -n "$(usable_python)" ] || die 'no python3 >= 3.11 with venv and headers was found'
}

# Everything that is compiled, and what is plain beside it: some modules are both.
sources() {
    find engine \( -name '*.py' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.h' \) -print | LC_ALL=C sort | xargs cat
}

# build EXTRAS: .venv with the package and the extras, e.g. "test", and what is compiled built beside its source.
build() {
    extras="$1"
    python="$(usable_python)"
    [ -x .venv/bin/python ] && .venv/bin/python -c '' 2>/dev/null || {
        say 'making .venv'
        rm -rf .venv
        "$python" -m venv .venv
    }
    stamp=$(cat pyproject.toml setup.py | cksum; re2_links && echo re2 || echo no-re2; .venv/bin/python --version)
    if [ "$(cat ".venv/installed-$extras" 2>/dev/null)" != "$stamp" ]; then
        say 'installing Python packages and compiling (about two minutes)'
        pip='.venv/bin/python -m pip install --quiet --disable-pip-version-check'
        # The build tools stay in .venv, so that a changed source is compiled again without the network.
        $pip --upgrade 'pip>=23' 'setuptools>=77' 'cython>=3.1' >&2
        rm -f .venv/compiled
        $pip --no-build-isolation --editable ".${extras:+[$extras]}" >&2
        printf '%s\n' "$stamp" >".venv/installed-$extras"
    fi
    compiled=$(sources | cksum)
    if [ "$(cat .venv/compiled 2>/dev/null)" != "$compiled" ]; then
        .venv/bin/python setup.py -q build_ext --inplace >&2
        printf '%s\n' "$compiled" >.venv/compiled
    fi
}
