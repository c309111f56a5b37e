# Unicorn and Capstone, which Debian has too old or not at all: from their Python packages, pinned by version and hash
# (unicorn.txt, capstone.txt), into .deps/ with pkg-config files. Made afresh when this file or a pin changes.
#
# Read by setup, which sets $root and $here and has say() and fail().
# shellcheck shell=bash disable=SC2154

deps="$root/.deps"

# download LIST OUTPUT_FOLDER PIP_OPTIONS...: one pinned package by its hash.
download() {
  local list="$1" folder="$2" name log
  shift 2
  name="$(sed -n 's/^\([a-z]*==[^ ]*\).*/\1/p' "$list")"
  say "downloading ${name/==/ }"
  log="$(mktemp)"
  # Debian's own python3: it has the pip and setuptools of the list, whatever else is first on PATH.
  /usr/bin/python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
    --dest "$folder" "$@" -r "$list" >"$log" 2>&1 </dev/null ||
    fail "the download of ${name/==/ } failed; is the network there? Nothing was changed, try again" "$log"
  rm -f "$log"
}

pkg_config_file() { # NAME VERSION DESCRIPTION LIBS
  # The prefix is where the file lies, so that the folder may be moved.
  cat >"$new/lib/pkgconfig/$1.pc" <<END
prefix=\${pcfiledir}/../..
Name: $1
Description: $3
Version: $2
Cflags: -I\${prefix}/include
Libs: -L\${prefix}/lib $4
END
}

# Unicorn and Capstone, built in a folder beside .deps and moved there when whole.
install_libraries() {
  local stamp
  stamp="$(cat "$here/libraries.sh" "$here/unicorn.txt" "$here/capstone.txt" | sha256sum)"
  [ "$(cat "$deps/stamp" 2>/dev/null)" != "$stamp" ] || return 0

  new="$(mktemp -d "$root/.deps-new.XXXXXX")"
  trap 'rm -rf "$new"' EXIT
  mkdir -p "$new/lib/pkgconfig" "$new/include" "$new/licenses" "$new/tmp"

  download "$here/unicorn.txt" "$new/tmp" --only-binary=:all: --python-version 3.11 --platform manylinux2014_x86_64
  /usr/bin/python3 -m zipfile -e "$new"/tmp/unicorn-*.whl "$new/tmp/unicorn"
  cp "$new/tmp/unicorn/unicorn/lib/libunicorn.a" "$new/lib/"
  cp -r "$new/tmp/unicorn/unicorn/include/unicorn" "$new/include/"
  pkg_config_file unicorn 2.1.4 "CPU emulator" "-lunicorn -lpthread -lm"

  download "$here/capstone.txt" "$new/tmp" --no-binary=:all: --no-build-isolation
  say "building Capstone"
  mkdir "$new/tmp/capstone"
  tar -xzf "$new"/tmp/capstone-*.tar.gz --strip-components=1 -C "$new/tmp/capstone"
  CFLAGS="-O2 -fPIC -ffile-prefix-map=$new=." make -C "$new/tmp/capstone/src" -j"$(nproc)" \
    CAPSTONE_ARCHS="aarch64 x86" CAPSTONE_SHARED=no CAPSTONE_STATIC=yes libcapstone.a >"$new/tmp/log" 2>&1 || fail "Capstone didn't build" "$new/tmp/log"
  cp "$new/tmp/capstone/src/libcapstone.a" "$new/lib/"
  cp -r "$new/tmp/capstone/src/include/capstone" "$new/include/"
  cp "$new/tmp/capstone/src/LICENSE.TXT" "$new/licenses/capstone"
  pkg_config_file capstone 5.0.6 "Disassembler" "-lcapstone"

  rm -rf "$new/tmp"
  printf '%s\n' "$stamp" >"$new/stamp"
  chmod 755 "$new"
  rm -rf "$deps"
  mv "$new" "$deps"
  say "Unicorn and Capstone are in .deps/"
}
