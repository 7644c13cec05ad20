#!/usr/bin/env bash
# A User-Mode-Linux kernel with Bluetooth, built once from Debian's own kernel source and cached outside the tree.
# Prints the path of the kernel. About 5 minutes on 2 idle cores the first time, nothing after. Usage: kernel.sh [CACHE]
set -euo pipefail
cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/sensord/uml}
here=$(cd "$(dirname "$0")" && pwd)
key=$(cat "$here/kernel.sh" "$here/kernel.options" | sha256sum | cut -c1-12)
kernel=$cache/linux-$key
if [ -x "$kernel" ]; then echo "$kernel"; exit 0; fi

if [ "$(id -u)" -eq 0 ]; then as_root=(); else as_root=(sudo -n); fi
need=(linux-source-6.1 gcc make flex bison bc libelf-dev libssl-dev xz-utils)
missing=()
for package in "${need[@]}"; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing for the kernel: ${missing[*]}" >&2
  "${as_root[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

echo "building a User-Mode-Linux kernel with Bluetooth into $cache (about 5 minutes, once)" >&2
mkdir -p "$cache"
work=$(mktemp -d "$cache/build-XXXXXX")
trap 'rm -rf "$work"' EXIT
tar -C "$work" -xf /usr/src/linux-source-6.1.tar.xz
source=$work/linux-source-6.1 out=$work/out
mkdir "$out"
build() { make -s ARCH=um O="$out" -C "$source" "$@" >>"$work/log" 2>&1 || { tail -n 30 "$work/log" >&2; exit 1; }; }
build allnoconfig
while read -r option; do
  case $option in ''|'#'*) ;; *) "$source/scripts/config" --file "$out/.config" -e "$option" ;; esac
done <"$here/kernel.options"
build olddefconfig
build -j"$(nproc)" linux
strip -o "$kernel.new" "$out/linux"
mv "$kernel.new" "$kernel"
echo "$kernel"
