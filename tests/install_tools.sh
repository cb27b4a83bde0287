#!/usr/bin/env bash
# What the suite drives besides Python: found, or installed where that is possible, or named with the remedy.
# With CI=true a missing tool is a failure, because then a part of the suite would silently not run.
set -u
missing=()
has() { command -v "$1" >/dev/null 2>&1; }
has redis-server || missing+=(redis-server)
has chromium || has google-chrome || has chromium-browser || missing+=(chromium)
has initdb || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
has node && has npm || missing+=(nodejs npm)

# TypeScript, as the lock file pins them; again only when it changed.
install_node_modules() {
  local folder=tests/javascript
  [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ] && return 0
  if has npm && npm ci --prefix "$folder" --silent --no-audit --no-fund; then
    touch "$folder/node_modules/.package-lock.json"
    return 0
  fi
  echo "Not found, so the widget's types will not be checked: TypeScript"
  echo "Install them with: npm ci --prefix $folder"
  [ "${CI:-}" != true ]
}

if [ ${#missing[@]} -eq 0 ]; then install_node_modules; exit; fi
if has apt-get && [ "$(id -u)" = 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  echo "Installing ${missing[*]} …"
  apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && { install_node_modules; exit; }
fi
echo "Not found, so the tests that need them will not run: ${missing[*]}"
echo "Install them with: sudo apt-get install ${missing[*]}"
[ "${CI:-}" = true ] && exit 1
install_node_modules
